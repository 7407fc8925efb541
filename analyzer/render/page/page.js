// The report's page: sorting, filtering, one range for all charts and tables, waterfalls and flame graphs that zoom.
// Nothing is fetched. Texts from logs are put in as text, never as markup.
(() => {
'use strict';
const all = (sel, from = document) => [...from.querySelectorAll(sel)];
const make = (tag, attrs = {}, ...kids) => {
	const e = document.createElement(tag);
	for (const [k, v] of Object.entries(attrs)) k === 'class' ? e.className = v : k.startsWith('on') ? e.addEventListener(k.slice(2), v) : e.setAttribute(k, v);
	e.append(...kids);
	return e;
};
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// ---- numbers as the program writes them ----
function duration(ns) {
	const a = Math.abs(ns);
	if (a < 1e3) return Math.round(ns) + ' ns';
	if (a < 1e6) return (ns / 1e3).toPrecision(3) + ' µs';
	if (a < 1e9) return (ns / 1e6).toPrecision(3) + ' ms';
	if (a < 120e9) return (ns / 1e9).toPrecision(3) + ' s';
	const s = Math.round(ns / 1e9);
	return s < 7200 ? Math.floor(s / 60) + ' min ' + String(s % 60).padStart(2, '0') + ' s' : Math.floor(s / 3600) + ' h ' + String(Math.floor(s / 60) % 60).padStart(2, '0') + ' min';
}
const count = v => Math.abs(v) >= 1000 ? Math.round(v).toString().replace(/\B(?=(\d{3})+$)/g, ',') : String(+v.toPrecision(4));
function value(v, c) {
	if (v == null) return '–';
	switch (c.unit) {
	case 'ns': return duration(v);
	case 'percent': return +v.toPrecision(3) + ' %';
	case 'megabytes': return v < 1e3 ? +v.toPrecision(3) + ' MB' : +(v / 1e3).toPrecision(3) + ' GB';
	default: return count(v) + (c.unitName ? ' ' + c.unitName : '');
	}
}
// A time on the log's clock; seconds since the run's start are what charts reckon in.
function clock(startNs, seconds, offset, digits) {
	const ms = Number(BigInt(startNs) / 1000000n) + seconds * 1e3 - offset * 1e3;
	const iso = new Date(ms + 1e-3).toISOString(); // cut off at the millisecond, which a sum of doubles may just miss
	return digits ? iso.slice(0, 10) + ' ' + iso.slice(11, 11 + digits) : iso.slice(11, 19);
}
// Seconds since the start, with the digits in which moments differ that are so many seconds apart.
function since(s, apart) {
	const [unit, size] = s >= 1 ? ['s', 1] : s >= 1e-3 ? ['ms', 1e-3] : s >= 1e-6 ? ['µs', 1e-6] : ['ns', 1e-9];
	let digits = 0;
	for (let rest = apart / size; digits < 12 && Math.abs(rest - Math.round(rest)) > 1e-6 * rest; rest *= 10) digits++;
	return '+' + (s / size).toFixed(digits) + ' ' + unit;
}
// One below an axis, whose neighbours are so many seconds away: no two read alike.
function tick(c, s, apart, long) {
	if (long && apart >= 60) return clock(c.start, s, c.offset, 5).slice(5);
	if (apart >= 1) return clock(c.start, s, c.offset, 0);
	return apart < 1e-3 ? since(s, apart) : clock(c.start, s, c.offset, 12).slice(11);
}

// ---- the range ----
const groups = new Map(); // run -> { charts: [...], cube, root }
let range = null; // { run, from, to }: nanoseconds, BigInt
const bar = make('div', { class: 'range', role: 'status', hidden: '' });
function inRange(e) {
	if (!range || !e.dataset.t) return true;
	if (e.dataset.run && Number(e.dataset.run) !== range.run) return true;
	return BigInt(e.dataset.u) >= range.from && BigInt(e.dataset.t) <= range.to;
}
function setRange(run, from, to) {
	range = run == null ? null : { run, from, to };
	bar.hidden = !range;
	bar.replaceChildren();
	if (range) {
		const g = groups.get(run), c = g.charts[0].data, at = t => clock(c.start, Number(t - BigInt(c.start)) / 1e9, c.offset, c.step < 1e9 ? 12 : 8);
		bar.append(make('span', {}, 'From ' + at(from) + ' to ' + at(to) + ': charts and tables show this range; columns of functions and phases stay those of the whole.'),
			make('button', { class: 'do', onclick: () => setRange(null) }, 'Show all'));
	}
	for (const [r, g] of groups) {
		const mine = range && r === range.run;
		for (const c of g.charts) c.show(mine ? range : null);
		if (g.cube) recount(g, mine ? range : null);
	}
	for (const t of tables) t.apply();
	for (const e of all('details.finding, details.case')) e.hidden = !inRange(e);
}

// ---- tables ----
const tables = [];
class Table {
	constructor(scroll) {
		this.table = scroll.querySelector('table');
		this.rows = all('tbody tr', this.table);
		this.word = '';
		if (this.rows.length > 5) {
			const input = make('input', { type: 'search', placeholder: 'filter rows', 'aria-label': 'Filter the rows of this table', oninput: () => { this.word = input.value.toLowerCase(); this.apply(); } });
			this.said = make('span', { class: 'count', role: 'status' });
			scroll.before(make('div', { class: 'tools' }, input, this.said));
		}
		if (!this.table.classList.contains('lines'))
			all('thead th', this.table).forEach((th, i) => {
				const b = make('button', { type: 'button', onclick: () => this.sort(th, i) });
				b.append(...th.childNodes);
				th.append(b);
			});
		tables.push(this);
	}
	sort(th, i) {
		const down = th.getAttribute('aria-sort') !== 'descending' && (th.classList.contains('n') || th.getAttribute('aria-sort') === 'ascending');
		const key = tr => { const td = tr.cells[i]; return td == null ? null : td.dataset.v !== undefined ? Number(td.dataset.v) : td.textContent === '' ? null : td.textContent; };
		const sign = down ? -1 : 1;
		this.rows.sort((a, b) => {
			const x = key(a), y = key(b);
			if (x === null || y === null) return (x === null) - (y === null);
			return sign * (typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y)));
		});
		all('thead th', this.table).forEach(o => o.removeAttribute('aria-sort'));
		th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
		this.table.tBodies[0].append(...this.rows);
	}
	apply() {
		let shown = 0;
		for (const tr of this.rows) {
			tr.hidden = !inRange(tr) || (this.word !== '' && !tr.textContent.toLowerCase().includes(this.word));
			shown += !tr.hidden;
		}
		if (this.said) this.said.textContent = shown < this.rows.length ? shown + ' of ' + this.rows.length : '';
	}
}

// ---- charts over time ----
class Chart {
	constructor(figure, run) {
		this.figure = figure;
		this.data = JSON.parse(figure.querySelector('script').textContent);
		this.plot = figure.querySelector('.plot');
		this.run = run;
		this.whole = [0, this.data.n * this.data.step / 1e9];
		this.draw();
	}
	columns() {
		const c = this.data, x = Array.from({ length: c.n }, (_, i) => (i + 0.5) * c.step / 1e9);
		if (c.kind !== 'stack') return [x, ...c.series.map(s => s.v.map(v => v == null || (c.log && v <= 0) ? null : v))];
		const sums = [];
		let below = x.map(() => 0);
		for (const s of c.series) { below = below.map((b, i) => b + (s.v[i] || 0)); sums.push(below); }
		return [x, ...sums.reverse()];
	}
	draw() {
		const c = this.data, stack = c.kind === 'stack', series = stack ? [...c.series].reverse() : c.series;
		const width = Math.max(200, this.plot.clientWidth), narrow = width < 420;
		const ink = colour('--soft'), line = colour('--line');
		if (this.u) this.u.destroy();
		else all('svg, .y, .x', this.plot).forEach(e => e.remove());
		const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: '12px system-ui, sans-serif', labelFont: '12px system-ui, sans-serif' };
		const long = this.whole[1] > 86400, tens = (u, v) => v.map(y => y != null && Math.abs(Math.log10(y) - Math.round(Math.log10(y))) < 1e-9 ? y : null), filter = c.log ? { filter: tens } : {};
		this.u = new uPlot({
			width, height: 190, legend: { show: false }, padding: [8, narrow ? 8 : 30, 0, 0],
			cursor: { drag: { x: true, y: false, setScale: false }, sync: { key: 'run' + this.run }, points: { show: !stack } },
			scales: {
				x: { time: false, range: () => this.shown || this.whole },
				y: c.log ? { distr: 3, range: () => this.bounds() } : { range: (u, low, high) => [0, high > 0 ? high * 1.05 : 1] },
			},
			axes: [
				{ ...axis, size: 26, space: narrow ? 90 : 110, values: (u, v, axis, space, apart) => v.map(s => tick(c, s, apart, long)) },
				{ ...axis, size: narrow ? 62 : 74, space: 34, ...filter, grid: { ...axis.grid, ...filter }, ticks: { ...axis.ticks, ...filter }, values: (u, v) => v.map(y => y == null ? null : c.unit === 'ns' && y >= 120e9 ? +(y / 60e9).toPrecision(3) + ' min' : value(y, c)) },
			],
			series: [{}, ...series.map(s => ({
				label: s.name, stroke: stack ? undefined : colour('--k-' + s.colour), fill: stack ? colour('--k-' + s.colour) : undefined,
				width: stack ? 0 : 1.6, points: { show: !stack && c.n < 40, size: 4 }, paths: stack ? uPlot.paths.bars({ size: [1, 100], gap: 0, align: 0 }) : undefined,
			}))],
			hooks: {
				drawAxes: c.heat ? [u => this.heat(u)] : [],
				setSelect: [u => this.select(u)],
				setCursor: [u => this.tip(u)],
			},
		}, this.columns(), this.plot);
		this.u.root.setAttribute('role', 'img');
		this.u.root.setAttribute('aria-label', this.figure.querySelector('figcaption').textContent.trim());
		this.tooltip = make('div', { class: 'tip', hidden: '' });
		this.u.over.append(this.tooltip);
		this.u.over.addEventListener('mouseleave', () => { this.tooltip.hidden = true; });
		this.u.over.addEventListener('dblclick', () => setRange(null));
	}
	bounds() {
		let low = Infinity, high = 0;
		for (const s of this.data.series) for (const v of s.v) if (v > 0) { low = Math.min(low, v); high = Math.max(high, v); }
		const h = this.data.heat;
		if (h) for (let i = 1; i < h.cells.length; i += 3) { low = Math.min(low, h.low * h.factor ** h.cells[i]); high = Math.max(high, h.low * h.factor ** (h.cells[i] + 1)); }
		low = 10 ** Math.floor(Math.log10(low) + 1e-9); high = 10 ** Math.ceil(Math.log10(high) - 1e-9);
		return [low, high > low ? high : low * 10];
	}
	heat(u) {
		const { cells, low, factor } = this.data.heat, step = this.data.step / 1e9, ctx = u.ctx;
		let most = 1;
		for (let i = 2; i < cells.length; i += 3) most = Math.max(most, cells[i]);
		ctx.save();
		ctx.beginPath();
		ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
		ctx.clip();
		ctx.fillStyle = colour('--heat');
		for (let i = 0; i < cells.length; i += 3) {
			const x0 = u.valToPos(cells[i] * step, 'x', true), x1 = u.valToPos((cells[i] + 1) * step, 'x', true);
			const y1 = u.valToPos(low * factor ** cells[i + 1], 'y', true), y0 = u.valToPos(low * factor ** (cells[i + 1] + 1), 'y', true);
			ctx.globalAlpha = 0.1 + 0.5 * Math.log1p(cells[i + 2]) / Math.log1p(most);
			ctx.fillRect(x0, y0, x1 - x0, y1 - y0);
		}
		ctx.restore();
	}
	select(u) {
		if (u.select.width < 4) return;
		const from = u.posToVal(u.select.left, 'x'), to = u.posToVal(u.select.left + u.select.width, 'x');
		u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
		this.choose(from, to);
	}
	choose(from, to) {
		const start = BigInt(this.data.start), step = this.data.step / 1e9;
		from = Math.max(0, Math.floor(from / step) * step);
		to = Math.min(this.whole[1], Math.ceil(to / step) * step);
		setRange(this.run, start + BigInt(Math.round(from * 1e9)), start + BigInt(Math.round(to * 1e9)));
	}
	show(r) {
		const start = BigInt(this.data.start);
		this.shown = r ? [Number(r.from - start) / 1e9, Number(r.to - start) / 1e9] : null;
		this.u.setData(this.u.data);
	}
	tip(u) {
		const i = u.cursor.idx, c = this.data;
		if (i == null || u.cursor.left < 0) { this.tooltip.hidden = true; return; }
		const kids = [make('b', {}, clock(c.start, i * c.step / 1e9, c.offset, c.step < 1e9 ? 12 : 8))];
		for (const s of c.series) kids.push(make('br'), make('i', { class: 'k-' + s.colour }), s.name + ': ' + value(s.v[i], c));
		if (c.heat) {
			let n = 0;
			for (let k = 0; k < c.heat.cells.length; k += 3) if (c.heat.cells[k] === i) n += c.heat.cells[k + 2];
			kids.push(make('br'), count(n) + ' invocations');
		}
		this.tooltip.replaceChildren(...kids);
		this.tooltip.hidden = false;
		const left = u.cursor.left > u.over.clientWidth / 2;
		this.tooltip.style.left = left ? '' : u.cursor.left + 12 + 'px';
		this.tooltip.style.right = left ? u.over.clientWidth - u.cursor.left + 12 + 'px' : '';
		this.tooltip.style.top = '4px';
	}
}

// ---- by function, of the chosen range ----
function each(sparse, f) { for (let i = 0; i < sparse.length; i += 2) f(sparse[i], sparse[i + 1]); }
function quantile(bins, n, q, c) {
	let seen = 0;
	for (let i = 0; i < bins.length; i++) {
		if (seen + bins[i] >= q * n && bins[i] > 0) return c.low * c.factor ** (i + (q * n - seen) / bins[i]);
		seen += bins[i];
	}
	return 0;
}
function recount(g, r) {
	const c = g.cube, start = BigInt(c.start), np = c.phases.length;
	const first = r ? Number((r.from - start) / BigInt(c.step)) : 0, last = r ? Number((r.to - start - 1n) / BigInt(c.step)) : c.n - 1;
	const figures = { functions: g.root.querySelector('figure[id$=-functions]'), ranges: g.root.querySelector('figure[id$=-ranges]') };
	for (const f of Object.values(figures)) if (f && !f.whole) f.whole = f.querySelector('.rows');
	if (!r) {
		for (const f of Object.values(figures)) if (f && f.now) { f.now.replaceWith(f.whole); f.now = null; }
		return;
	}
	const svg = (tag, attrs, title) => {
		const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
		for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, v);
		if (title) { const t = document.createElementNS('http://www.w3.org/2000/svg', 'title'); t.textContent = title; e.append(t); }
		return e;
	};
	const row = (name, shapes, said) => {
		const s = svg('svg', { viewBox: '0 0 1000 14', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
		s.append(...shapes);
		return make('div', { class: 'bar' }, make('span', { class: 'name' }, name), s, make('span', { class: 'said' }, said));
	};
	const byPhase = [], byRange = [];
	let low = Infinity, high = 0;
	const measured = c.functions.map(f => {
		const bins = new Array(c.bins).fill(0), phases = new Array(np).fill(0);
		let n = 0, timed = 0, total = 0;
		each(f.n, (k, v) => { if (k >= first && k <= last) n += v; });
		each(f.bins, (k, v) => { const at = Math.floor(k / c.bins); if (at >= first && at <= last) { bins[k % c.bins] += v; timed += v; } });
		each(f.phases, (k, v) => { const at = Math.floor(k / np); if (at >= first && at <= last) { phases[k % np] += v * 1e3; total += v * 1e3; } });
		return { name: f.name, n, bins, timed, phases, total };
	}).filter(f => f.n);
	for (const f of measured) f.q = f.timed ? [0, 0.5, 0.9, 0.99, 1].map(q => quantile(f.bins, f.timed, q || 1e-9, c)) : null;
	for (const f of measured) if (f.q) { low = Math.min(low, f.q[0]); high = Math.max(high, f.q[4]); }
	low = 10 ** Math.floor(Math.log10(low)); high = Math.max(low * 10, 10 ** Math.ceil(Math.log10(high)));
	const x = v => 1000 * Math.log(Math.max(v, low) / low) / Math.log(high / low);
	for (const f of measured) {
		let at = 0;
		byPhase.push(row(f.name, f.phases.map((v, i) => {
			const w = f.total ? v / f.total * 1000 : 0, e = svg('rect', { class: 'k-' + c.phases[i], x: at, y: 1, width: w, height: 12 });
			at += w;
			return e;
		}), count(f.n) + ' × ' + duration(f.total / f.n)));
		if (f.q) byRange.push(row(f.name, [
			svg('path', { class: 'grid', d: 'M' + x(f.q[0]) + ' 7H' + x(f.q[4]) }),
			svg('rect', { class: 'k-p50', x: x(f.q[0]), y: 2, width: Math.max(2, x(f.q[1]) - x(f.q[0])), height: 10 }),
			svg('rect', { class: 'k-p90', x: x(f.q[1]), y: 2, width: Math.max(2, x(f.q[2]) - x(f.q[1])), height: 10 }),
			svg('rect', { class: 'k-p99', x: x(f.q[2]), y: 4, width: Math.max(2, x(f.q[3]) - x(f.q[2])), height: 6 }),
		], '≈ ' + duration(f.q[1]) + ' – ' + duration(f.q[3])));
	}
	for (const [f, rows] of [[figures.functions, byPhase], [figures.ranges, byRange]]) {
		if (!f) continue;
		const now = make('div', { class: 'rows' }, ...(rows.length ? rows : [make('p', { class: 'none' }, 'No invocation in this range.')]));
		(f.now || f.whole).replaceWith(now);
		f.now = now;
	}
}

// ---- waterfalls ----
class Waterfall {
	constructor(root) {
		this.root = root;
		this.rows = all('.row:not(.ruler)', root);
		this.drawings = all('.row:not(.ruler) > svg', root);
		this.view = [0, 1000];
		this.ticks = all('.ticks span', root);
		this.labels = this.ticks.map(t => t.textContent);
		this.rows.forEach((row, i) => {
			const depth = Number(row.dataset.d), next = this.rows[i + 1];
			row.closed = false;
			if (!next || Number(next.dataset.d) <= depth || row.classList.contains('path') || row.classList.contains('marks')) return;
			const b = make('button', { class: 'fold', type: 'button', 'aria-expanded': 'true', 'aria-label': 'fold ' + row.querySelector('.name').textContent, onclick: () => this.fold(row, !row.closed) }, '▾');
			row.button = b;
			row.querySelector('.name').prepend(b);
		});
		const input = make('input', { type: 'search', placeholder: 'search spans and lines', 'aria-label': 'Search in this timeline', oninput: () => this.search(input.value) });
		this.input = input;
		this.said = make('span', { class: 'count', role: 'status' });
		const act = (text, f) => make('button', { class: 'do', type: 'button', onclick: f }, text);
		root.before(make('div', { class: 'tools' }, act('Zoom in', () => this.zoom(0.5)), act('Zoom out', () => this.zoom(2)), act('◂', () => this.pan(-0.5)), act('▸', () => this.pan(0.5)), act('All', () => this.set(0, 1000)),
			act('Fold all', () => this.foldAll(true)), act('Unfold all', () => this.foldAll(false)), input, this.said));
		root.addEventListener('wheel', e => {
			const svg = e.target.closest('.row > svg');
			if (!svg || !e.ctrlKey && !e.shiftKey && Math.abs(e.deltaX) < Math.abs(e.deltaY) && !this.engaged) return;
			e.preventDefault();
			const box = svg.getBoundingClientRect();
			if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) this.pan((e.deltaX || e.deltaY) / box.width);
			else this.zoom(e.deltaY > 0 ? 1.25 : 0.8, (e.clientX - box.left) / box.width);
		}, { passive: false });
		root.addEventListener('click', e => { if (e.target.closest('.row > svg')) this.engaged = true; });
		root.addEventListener('mouseleave', () => { this.engaged = false; });
	}
	set(from, to) {
		const width = Math.min(1000, Math.max(1e-3, to - from));
		from = Math.min(1000 - width, Math.max(0, from));
		this.view = [from, from + width];
		for (const d of this.drawings) d.setAttribute('viewBox', from + ' 0 ' + width + ' 14');
		const whole = width === 1000;
		this.ticks.forEach((t, i) => { t.textContent = whole ? this.labels[i] : ((from + width * i / (this.ticks.length - 1)) / 10).toPrecision(4) + ' %'; });
	}
	zoom(by, at = 0.5) {
		const [from, to] = this.view, centre = from + (to - from) * at;
		this.set(centre - (centre - from) * by, centre - (centre - from) * by + (to - from) * by);
	}
	pan(by) { const w = this.view[1] - this.view[0]; this.set(this.view[0] + w * by, this.view[1] + w * by); }
	fold(row, closed) {
		row.closed = closed;
		if (row.button) { row.button.textContent = closed ? '▸' : '▾'; row.button.setAttribute('aria-expanded', String(!closed)); }
		let hide = Infinity;
		for (const r of this.rows) {
			const d = Number(r.dataset.d);
			if (d > hide) { r.hidden = true; continue; }
			r.hidden = false;
			hide = r.closed ? d : Infinity;
		}
	}
	foldAll(closed) { for (const r of this.rows) if (r.button) this.fold(r, closed); }
	search(word) {
		word = word.toLowerCase();
		const rows = [...this.rows.filter(r => !r.classList.contains('marks')), ...all('table.lines tbody tr', this.root.parentElement)];
		let n = 0, first = null;
		for (const r of rows) {
			const hit = word !== '' && r.textContent.toLowerCase().includes(word);
			r.classList.toggle('found', hit);
			if (hit) { n++; first = first || r; }
		}
		this.said.textContent = word === '' ? '' : n + (n === 1 ? ' hit' : ' hits');
		if (first) first.scrollIntoView({ block: 'nearest' });
	}
}

// ---- flame graphs ----
function flame(figure) {
	const box = figure.querySelector('.flame-box'), svg = box.querySelector('svg'), height = svg.getAttribute('height');
	const nodes = all('g', svg).map(g => ({ x: +g.dataset.x, w: +g.dataset.w, row: +g.dataset.row, title: g.querySelector('title').textContent }));
	const labels = nodes.map(n => make('button', { class: 'label', type: 'button', title: n.title, onclick: () => zoom(n.row ? n : { x: 0, w: 1000 }) }, n.title.split(': ')[0]));
	function zoom(to) {
		svg.setAttribute('viewBox', to.x + ' 0 ' + to.w + ' ' + height);
		nodes.forEach((n, i) => {
			const from = Math.max(n.x, to.x), end = Math.min(n.x + n.w, to.x + to.w), share = (end - from) / to.w, l = labels[i];
			l.hidden = share < 0.012;
			if (l.hidden) return;
			l.style.left = (from - to.x) / to.w * 100 + '%';
			l.style.width = share * 100 + '%';
			l.style.top = n.row * 22 + 'px';
		});
	}
	box.append(...labels);
	zoom({ x: 0, w: 1000 });
}

// ---- all of it ----
function reveal() {
	let e = null;
	try { e = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
	if (!e) return;
	for (let d = e; d; d = d.parentElement) if (d.tagName === 'DETAILS') d.open = true;
	e.scrollIntoView();
}
function drawCharts(root) {
	const run = Number(root.dataset.run), cube = root.querySelector('script.cube');
	if (groups.has(run)) return;
	const charts = all('figure.chart', root).map(f => new Chart(f, run));
	if (charts.length) groups.set(run, { root, charts, cube: cube ? JSON.parse(cube.textContent) : null });
}
const seen = e => !e.closest('details:not([open])');
function drawAll() { for (const root of all('.charts')) if (seen(root)) drawCharts(root); }
let width = innerWidth;
addEventListener('resize', () => {
	if (innerWidth === width) return;
	width = innerWidth;
	for (const g of groups.values()) if (seen(g.root)) for (const c of g.charts) c.draw();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { for (const g of groups.values()) for (const c of g.charts) c.draw(); });
document.addEventListener('toggle', e => { if (e.target.matches && e.target.matches('details') && e.target.open) { drawAll(); for (const f of all('.flame', e.target)) if (!f.drawn) { f.drawn = true; flame(f); } for (const w of all('.waterfall', e.target)) if (!w.drawn && seen(w)) { w.drawn = true; w.view = new Waterfall(w); } } }, true);
document.addEventListener('click', e => { const a = e.target.closest('a[href^="#"]'); if (a && a.getAttribute('href') === location.hash) reveal(); });
addEventListener('hashchange', reveal);
addEventListener('keydown', e => {
	if (e.key !== '/' || e.ctrlKey || e.metaKey || /^(INPUT|TEXTAREA)$/.test(e.target.tagName)) return;
	const open = all('details.case[open] input[type=search]')[0] || document.getElementById('find');
	if (open) { e.preventDefault(); open.focus(); }
});
let closed = [];
addEventListener('beforeprint', () => { closed = all('details:not([open])'); for (const d of closed) d.open = true; });
addEventListener('afterprint', () => { for (const d of closed) d.open = false; });
document.querySelector('main').prepend(bar);
for (const code of all('code.copy')) {
	const command = code.title || code.textContent;
	const b = make('button', { class: 'copy', type: 'button', title: 'copy: ' + command, onclick: () => navigator.clipboard && navigator.clipboard.writeText(command).then(() => { b.title = 'copied: ' + command; }, () => {}) });
	b.append(...code.childNodes);
	code.replaceWith(b);
}
const find = make('input', { type: 'search', id: 'find', placeholder: 'search the page: /', 'aria-label': 'Search findings, tables and timelines', oninput: () => {
	const word = find.value.toLowerCase();
	for (const t of tables) { t.word = word; t.apply(); }
	for (const e of all('details.finding, details.case')) e.hidden = !inRange(e) || (word !== '' && !e.textContent.toLowerCase().includes(word));
	if (word !== '') for (const d of all('details.section')) if (all('tbody tr:not([hidden]), details.finding:not([hidden]), details.case:not([hidden])', d).length) d.open = true;
} });
document.querySelector('header').append(make('div', { class: 'tools' }, find));
for (const s of all('.scroll')) new Table(s);
if (innerWidth > 640) for (const id of ['functions', 'phases']) { const d = document.getElementById(id); if (d) d.open = true; }
drawAll();
reveal();
})();
