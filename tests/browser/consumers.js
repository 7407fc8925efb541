// SPDX-License-Identifier: GPL-3.0-or-later
// consumers.js - opens what `ilu-logq export` wrote in speedscope, the way its own command line does: a script hands the file to its page.
'use strict';
const fs = require('fs');
const path = require('path');
const speedscope = path.join(path.dirname(require.resolve('speedscope/package.json')), 'dist/release/index.html');

// What the page says beside its own progress: that it fetches, fails, asks the user.
async function load(context, file) {
	const page = await context.newPage(), name = path.basename(file), script = file + '.js', said = [];
	fs.writeFileSync(script, 'speedscope.loadFileFromBase64(' + JSON.stringify(name) + ', ' + JSON.stringify(fs.readFileSync(file).toString('base64')) + ')');
	page.on('console', m => { if (m.type() === 'error') said.push(m.text()); });
	page.on('pageerror', e => said.push(e.message));
	page.on('dialog', d => { said.push('dialog: ' + d.message()); d.dismiss(); });
	page.on('request', r => { if (!/^(file|data|blob):/.test(r.url())) said.push('fetched ' + r.url()); });
	await page.goto('file://' + speedscope + '#localProfilePath=' + encodeURIComponent(script));
	await page.waitForFunction(() => / - speedscope$/.test(document.title));
	await page.keyboard.press('3'); // the sandwich: a table of all symbols
	const symbols = () => [...document.querySelectorAll('tr')].map(r => [...r.cells].map(c => c.innerText.trim())).filter(r => r.length === 3 && r[0].endsWith('%)'));
	await page.waitForFunction('(' + symbols + ')().length > 0');
	const rows = await page.evaluate(symbols);
	return { title: await page.title(), text: await page.evaluate(() => document.body.innerText), rows, said: said.join('; ') };
}

// Of each symbol the time that no symbol below it has, as the file has it.
function selves(folded) {
	const self = new Map();
	for (const line of folded.split('\n').filter(Boolean)) {
		const at = line.lastIndexOf(' '), frames = line.slice(0, at).split(';');
		for (const f of frames) self.set(f, self.get(f) || 0);
		self.set(frames[frames.length - 1], self.get(frames[frames.length - 1]) + Number(line.slice(at + 1)));
	}
	return [...self].map(([name, ns]) => name + ' ' + ns.toLocaleString('en-US')).sort();
}

exports.consumers = async (browser, directory, check, equal) => {
	const context = await browser.newContext({ viewport: { width: 1280, height: 4000 } });
	const file = name => path.join(directory, name), read = name => fs.readFileSync(file(name), 'utf8');

	const folded = await load(context, file('one.folded'));
	equal('speedscope, folded: said', folded.said, '');
	equal('speedscope, folded: symbols and their own time', folded.rows.map(r => r[2] + ' ' + r[1].replace(/ \(.*/, '')).sort().join('\n'), selves(read('one.folded')).join('\n'));

	const own = await load(context, file('one.speedscope.json')), d = JSON.parse(read('one.speedscope.json'));
	const used = new Set(d.profiles[0].samples.flat());
	equal('speedscope, its own format: said', own.said, '');
	equal('speedscope, its own format: symbols', own.rows.map(r => r[2]).sort().join('\n'), d.shared.frames.filter((f, i) => used.has(i)).map(f => f.name).sort().join('\n'));
	check('speedscope, its own format: names the profile', own.title === d.name + ' - speedscope' && own.text.includes(d.profiles[0].name), own.title + ', ' + own.text.slice(0, 200));

	const trace = await load(context, file('one.perfetto.json')), events = JSON.parse(read('one.perfetto.json')).traceEvents;
	const threads = new Set(events.filter(e => e.ph === 'X').map(e => e.pid + ' ' + e.tid));
	equal('speedscope, trace events: said', trace.said, '');
	check('speedscope, trace events: a profile for each thread', trace.text.includes('(1/' + threads.size + ')'), trace.text.slice(0, 200));
	const shown = /\(pid (\d+)\).*\(tid (\d+)\)/.exec(trace.text), first = shown && shown[1] + ' ' + shown[2], names = new Set(events.filter(e => e.ph === 'X' && e.pid + ' ' + e.tid === first).map(e => e.name));
	equal('speedscope, trace events: slices of the thread that is shown', [...new Set(trace.rows.map(r => r[2].replace(/ \{.*/, '')))].sort().join('\n'), [...names].sort().join('\n'));
	await context.close();
};
