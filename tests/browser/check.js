// SPDX-License-Identifier: GPL-3.0-or-later
// check.js PAGES PICTURES - drives the pages that `run` has made; prints what does not hold.
'use strict';
const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');
const { consumers } = require('./consumers.js');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const [pages, pictures] = process.argv.slice(2);
let passed = 0, failed = 0;

function check(what, holds, more = '') {
	if (holds) passed++;
	else { failed++; console.log('failed: ' + what + (more === '' ? '' : ': ' + String(more).slice(0, 600))); }
}
function equal(what, got, wanted) { check(what, got === wanted, JSON.stringify(got) + ', not ' + JSON.stringify(wanted)); }

let browser;
async function open(name, options = {}) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
	const page = await context.newPage(), url = 'file://' + path.join(pages, name + '.html');
	const said = [];
	await context.addInitScript(() => {
		const fill = CanvasRenderingContext2D.prototype.fillText;
		window.drawn = [];
		CanvasRenderingContext2D.prototype.fillText = function (text, ...more) { window.drawn.push(text); return fill.call(this, text, ...more); };
	});
	page.on('console', m => said.push(m.type() + ': ' + m.text()));
	page.on('pageerror', e => said.push(e.message));
	page.on('request', r => { if (r.url().split('#')[0] !== url && !r.url().startsWith('data:')) said.push('fetched ' + r.url()); });
	page.said = said;
	page.done = async what => { equal(what + ': console and network', said.join('; '), ''); await context.close(); };
	await page.goto(url);
	return page;
}
const unfold = page => page.evaluate(() => { for (const d of document.querySelectorAll('details')) d.open = true; });
const settled = page => page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
async function violations(page) {
	await page.evaluate(axe);
	const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
	return found.violations.map(v => v.id + ' ' + v.nodes.slice(0, 2).map(n => n.target.join(' ') + ' (' + n.failureSummary.replace(/\s+/g, ' ') + ')').join(', ')).join('; ');
}

// ---- what it looks like ----
async function looks() {
	fs.mkdirSync(pictures, { recursive: true });
	for (const name of ['one', 'plain'])
		for (const width of [390, 1280, 1920])
			for (const colorScheme of ['light', 'dark']) {
				const what = name + ' at ' + width + ' ' + colorScheme, page = await open(name, { viewport: { width, height: 900 }, colorScheme });
				await settled(page);
				const size = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
				check(what + ': not wider than the window', size[0] <= width, size[0]);
				check(what + ': at most 12 screens', size[1] <= 12 * 900, size[1] / 900);
				const charts = await page.evaluate(() => [...document.querySelectorAll('.chart')].map(f => {
					const c = f.querySelector('canvas'), d = c ? c.getContext('2d').getImageData(0, 0, c.width, c.height).data : [];
					let ink = 0;
					for (let i = 3; i < d.length; i += 44) ink += d[i] > 0;
					return [f.querySelector('figcaption').textContent, ink, f.getBoundingClientRect().width];
				}));
				check(what + ': has charts', charts.length > 0, charts.length);
				for (const [title, ink, wide] of charts) check(what + ': chart is drawn: ' + title, ink > 20 && wide > 300, ink + ' pixels, ' + wide + ' wide');
				const small = await page.evaluate(() => [...document.querySelectorAll('figure *')].filter(e => !e.closest('.hidden') && e.childNodes.length && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && !e.closest('script, title') && parseFloat(getComputedStyle(e).fontSize) < 11).length);
				equal(what + ': no text of charts below 11 px', small, 0);
				await page.screenshot({ path: path.join(pictures, name + '-' + width + '-' + colorScheme + '.png'), fullPage: true });
				if (width === 390 && colorScheme === 'light' || width === 1280 && colorScheme === 'dark') {
					await unfold(page);
					await settled(page);
					equal(what + ', unfolded: axe', await violations(page), '');
					check(what + ', unfolded: not wider than the window', await page.evaluate(() => document.documentElement.scrollWidth) <= width);
				}
				await page.done(what);
			}
}

// ---- what can be done with it ----
async function tables() {
	const page = await open('one');
	await unfold(page);
	const column = (section, i) => page.$$eval('#' + section + ' tbody tr:not([hidden])', (rows, k) => rows.map(r => r.cells[k].dataset.v === undefined ? r.cells[k].textContent : Number(r.cells[k].dataset.v)), i);
	const head = await page.$$eval('#slowest th', all => all.map(e => e.textContent));
	const at = head.findIndex(t => t.startsWith('duration'));
	const button = page.locator('#slowest th').nth(at).locator('button');
	await button.click();
	const once = await column('slowest', at);
	equal('sort: the largest first', once.join(), [...once].sort((a, b) => b - a).join());
	await button.click();
	equal('sort: the other way', (await column('slowest', at)).join(), [...once].reverse().join());
	equal('sort: is said', await page.locator('#slowest th').nth(at).getAttribute('aria-sort'), 'ascending');
	const word = (await column('slowest', head.findIndex(t => t.startsWith('function'))))[0];
	await page.fill('#slowest input[type=search]', word);
	const rows = await page.$$eval('#slowest tbody tr:not([hidden])', all => all.map(r => r.textContent));
	check('filter: what has the word stays, and no more', rows.length > 0 && rows.length < once.length && rows.every(t => t.includes(word)), rows.length);
	check('filter: is said', /\d+ of \d+/.test(await page.textContent('#slowest .count')));
	await page.fill('#slowest input[type=search]', '');
	const lost = await page.$$eval('a[href^="#"]', all => all.map(a => a.getAttribute('href').slice(1)).filter(id => !document.getElementById(id)));
	equal('links lead somewhere', lost.join(), '');
	check('tids whose timeline is there are links', await page.locator('#slowest td a[href^="#timeline-"]').count() > 0);
	const waited = await page.$$eval('#blame table.blame tbody tr', rows => rows.map(r => [...r.cells].slice(1).map(c => Number(c.dataset.v))));
	check('blame: what each holder had adds up to the waiting', waited.length > 0 && waited.every(([all, ...parts]) => Math.abs(all - parts.reduce((a, b) => a + b)) <= parts.length), JSON.stringify(waited));
	await page.fill('#find', 'no such word');
	equal('search: nothing has it', await page.locator('#slowest tbody tr:not([hidden])').count(), 0);
	await page.fill('#find', '');
	check('search: all is back', await page.locator('#slowest tbody tr:not([hidden])').count() === once.length);
	await page.done('tables');
}

async function drag(page, chart, from, to) {
	const over = page.locator(chart + ' .u-over');
	await over.scrollIntoViewIfNeeded();
	const box = await over.boundingBox();
	await page.mouse.move(box.x + box.width * from, box.y + box.height / 2);
	await page.mouse.down();
	await page.mouse.move(box.x + box.width * to, box.y + box.height / 2, { steps: 4 });
	await page.mouse.up();
}

async function brush() {
	const page = await open('two');
	await unfold(page);
	await settled(page);
	equal('two runs: charts of each', await page.locator('.charts').count(), 2);
	const rows = () => page.locator('#slowest tbody tr:not([hidden])').count();
	const before = await rows(), other = '#slowest tbody tr[data-run="2"]:not([hidden])', others = await page.locator(other).count();
	const bars = await page.textContent('#c1-functions .rows');
	await drag(page, '#c1-requests', 0.02, 0.35);
	check('brush: is said', /^From .* to /.test(await page.textContent('.range')));
	const ranges = await page.evaluate(() => ['c1-requests', 'c1-latency', 'c1-lines'].map(id => document.querySelector('#' + id + ' .uplot') !== null));
	check('brush: charts are there', ranges.every(Boolean));
	const during = await rows();
	check('brush: rows outside are gone', during < before && during > 0, during + ' of ' + before);
	equal('brush: rows of the other run stay', await page.locator(other).count(), others);
	check('brush: bars by function are of the range', await page.textContent('#c1-functions .rows') !== bars);
	const outside = await page.evaluate(() => [...document.querySelectorAll('[data-t]')].filter(e => !e.hidden && e.dataset.run === '1' && e.tagName === 'TR').length);
	check('brush: some rows are left', outside > 0);
	const tip = page.locator('#c1-latency .u-over');
	await tip.scrollIntoViewIfNeeded();
	await tip.hover({ position: { x: 60, y: 60 } });
	check('tooltip: time and values', /\d\d:\d\d:\d\d.*p50: .*p99: /s.test(await page.textContent('#c1-latency .tip')), await page.textContent('#c1-latency .tip'));
	await page.click('.range button');
	equal('brush: all is back', await rows(), before);
	equal('brush: bars are back', await page.textContent('#c1-functions .rows'), bars);
	await page.done('brush');
}

async function waterfalls() {
	const page = await open('one');
	const link = page.locator('a[href="#timeline-1"]').first();
	await page.evaluate(() => { location.hash = '#timeline-1'; });
	await page.waitForSelector('#timeline-1[open] .tools');
	check('timeline: opened by its link', await link.count() > 0);
	const view = () => page.locator('#timeline-1 .row:not(.ruler) > svg').first().getAttribute('viewBox');
	const whole = await view();
	await page.click('#timeline-1 button:has-text("Zoom in")');
	const zoomed = await view();
	equal('zoom: half of it', zoomed, '250 0 500 14');
	await page.click('#timeline-1 button:has-text("▸")');
	equal('zoom: moved on', await view(), '500 0 500 14');
	await page.click('#timeline-1 .tools button:has-text("All")');
	equal('zoom: all of it', await view(), whole);
	const shown = () => page.locator('#timeline-1 .row:not([hidden])').count();
	const all = await shown();
	await page.click('#timeline-1 button:has-text("Fold all")');
	check('fold: fewer rows', await shown() < all, await shown() + ' of ' + all);
	await page.click('#timeline-1 button:has-text("Unfold all")');
	equal('fold: all rows', await shown(), all);
	await page.keyboard.press('/');
	await page.keyboard.type('invoke');
	check('search: hits are marked', await page.locator('#timeline-1 .found').count() > 0);
	check('search: hits are counted', /^\d+ hits?$/.test(await page.textContent('#timeline-1 .tools .count')));
	check('log lines are marks', await page.locator('#timeline-1 .marks path.mark').count() > 0);
	await page.evaluate(() => { document.getElementById('spans').open = true; });
	await page.waitForSelector('.flame .label');
	const flame = () => page.locator('.flame svg').getAttribute('viewBox');
	const flat = await flame();
	await page.locator('.flame .label:not([hidden])').nth(2).click();
	check('flame graph: zooms', await flame() !== flat);
	await page.locator('.flame .label:not([hidden])').first().click();
	equal('flame graph: and back', await flame(), flat);
	await page.done('waterfalls');
}

async function hostile() {
	const page = await open('hostile');
	await unfold(page);
	for (const b of await page.locator('th button').all()) await b.click({ timeout: 2000 }).catch(() => {});
	await page.fill('#find', '<img');
	await page.fill('#find', '');
	await settled(page);
	equal('hostile: nothing ran', await page.evaluate(() => window.hit === undefined), true);
	equal('hostile: no element was made', await page.evaluate(() => document.querySelectorAll('main img, main b[onclick], main svg[onload], main script:not([type="application/json"])').length), 0);
	const text = await page.evaluate(() => document.querySelector('main').textContent);
	for (const word of ['<img src=x onerror=hit=1>', '</script><script>hit=2</script>', '"><script>hit=5</script>']) check('hostile: stands there as text: ' + word, text.includes(word));
	check('hostile: in the title', (await page.title()).includes('<img src=x onerror=hit=0>'), await page.title());
	await drag(page, '#c1-requests', 0.1, 0.6);
	equal('hostile: nothing ran after a range was chosen', await page.evaluate(() => window.hit === undefined), true);
	await page.done('hostile');
}

async function plain() {
	const page = await open('plain');
	equal('without requests: no section of requests', await page.locator('#functions, #phases, #blame, #slowest, #failed, #timelines').count(), 0);
	equal('without requests: no empty table', await page.locator('table:not(:has(tbody tr))').count(), 0);
	check('without requests: errors by pattern', (await page.textContent('#errors')).includes('disk sd'));
	await page.done('without requests');
}

// However short a log is, what stands below its charts tells its moments apart.
async function axes() {
	for (const [name, like] of [['plain', /^\d\d:\d\d:\d\d$/], ['short03', /^\d\d:\d\d:\d\d\.\d{3}$/], ['short000003', /^\+.* [nµ]s$/]]) {
		const page = await open(name);
		await settled(page);
		const times = new Set((await page.evaluate(() => window.drawn)).filter(t => /^\+|:/.test(t)));
		check('axes: times of ' + name, times.size > 3 && [...times].every(t => like.test(t)), [...times].join());
		await page.done('axes of ' + name);
	}
}

// However often a range is chosen within a range, too.
async function axesOfRanges() {
	for (const name of ['long', 'plain', 'late']) {
		const page = await open(name);
		await settled(page);
		for (let depth = 0; depth < 5; depth++) {
			await page.evaluate(() => { window.drawn = []; });
			await drag(page, '#c1-lines', 0.4, 0.5);
			await settled(page);
			const times = (await page.evaluate(() => window.drawn)).filter(t => /^\+|:/.test(t)), told = new Set(times);
			check('axes: times of a range of ' + name, told.size > 2 && times.every((t, i) => i === 0 || t !== times[i - 1]), depth + ': ' + times.join());
		}
		await page.done('axes of ranges of ' + name);
	}
}

async function withoutScript() {
	for (const width of [390, 1280]) {
		const page = await open('one', { javaScriptEnabled: false, viewport: { width, height: 900 } });
		const what = 'without script at ' + width;
		const heights = await page.locator('.chart svg').evaluateAll(all => all.map(e => e.getBoundingClientRect().height));
		check(what + ': charts are drawings', heights.length > 4 && heights.every(h => h > 50), heights.join());
		check(what + ': tables are there', await page.locator('table').count() > 8);
		check(what + ': waterfalls are there', await page.locator('.waterfall').count() > 0);
		await page.done(what);
	}
}

async function printed() {
	const page = await open('one', { colorScheme: 'dark' });
	const pdf = await page.pdf({ format: 'A4' });
	check('print: a document', pdf.length > 20000, pdf.length);
	await page.emulateMedia({ media: 'print' });
	check('print: what is folded is shown', await page.evaluate(() => document.querySelector('#slowest td').getBoundingClientRect().height > 0));
	await page.done('print');
}

(async () => {
	browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: [...(process.getuid() === 0 ? ['--no-sandbox'] : []), '--disable-background-networking', '--disable-component-update', '--disable-default-apps', '--disable-sync', '--no-first-run', '--host-resolver-rules=MAP * ~NOTFOUND'] });
	for (const part of [() => consumers(browser, pages, check, equal), tables, brush, waterfalls, hostile, plain, axes, axesOfRanges, withoutScript, printed, looks]) {
		try { await part(); } catch (e) { check(part.name || 'consumers', false, e.stack); }
	}
	await browser.close();
	console.log('ilulog: ' + passed + ' passed, ' + failed + ' failed, 0 skipped');
	process.exit(failed ? 1 : 0);
})();
