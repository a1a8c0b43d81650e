// Draws the run that stands in the page as JSON: time goes down, each machine has a lane.
'use strict';

const run = JSON.parse(document.getElementById('data').textContent);
const $ = (id) => document.getElementById(id);
const svg = $('picture');
const TIME = 64;

const element = (name, attributes = {}, parent = svg, text = '') => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  parent.append(made);
  return made;
};
const html = (name, text, parent, className = '') => {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  parent.append(made);
  return made;
};
const duration = (micros) => {
  if (micros < 1000) return `${micros} µs`;
  if (micros < 1e6) return `${+(micros / 1000).toPrecision(3)} ms`;
  return `${+(micros / 1e6).toFixed(micros < 1e7 ? 2 : 1)} s`;
};
const isQuiet = (entry) => /^(ping|pong|open|end .*)$/.test(entry.label ?? '');
const isPing = (entry) => entry.label === 'ping' || entry.label === 'pong';

// ---- what belongs together

/** Each packet with where it ended, and what every machine was like at each entry. */
const flights = [];
const underWay = new Map();
const states = {};
for (const [index, entry] of run.entries.entries()) {
  entry.index = index;
  if (entry.mark === 'state') states[entry.lane] = entry;
  entry.states = { ...states };
  if (entry.mark === 'sent') {
    entry.end = null;
    underWay.set(entry.flight, entry);
    flights.push(entry);
  } else if (entry.flight) {
    const sent = underWay.get(entry.flight);
    underWay.delete(entry.flight);
    entry.sent = sent;
    if (sent) sent.end = entry;
  }
}

/** Whether a state moved a clock: then it has a badge. */
const movesClock = (entry) => {
  const before = run.entries[entry.index - 1]?.states[entry.lane];
  return entry.clock !== null && before?.clock !== entry.clock;
};

/** The room in the middle of its clients, those who mean no good last. */
const laneOrder = (() => {
  const clients = run.lanes.filter((lane) => lane.startsWith('client'));
  const half = Math.ceil(clients.length / 2);
  const others = run.lanes.filter((lane) => lane.startsWith('rude'));
  return [...clients.slice(0, half), 'room', ...clients.slice(half), ...others];
})();

// ---- where everything stands

let places = new Map();
let shownEntries = [];

const isShown = (entry) => {
  if (entry.mark === 'lost') return false;
  if ($('pings').checked) return true;
  return !isPing(entry.sent ?? entry);
};

function layOut() {
  const width = $('chart').clientWidth;
  const gap = Math.max(88, (width - TIME - 12) / laneOrder.length);
  const x = (lane) => TIME + gap * (laneOrder.indexOf(lane) + 0.5);
  let y = 18;
  let last = null;
  const laters = [];
  shownEntries = run.entries.filter(isShown);
  const sharesRow = (entry) =>
    entry.mark === 'state' &&
    (!movesClock(entry) || (last.mark === 'state' && last.at === entry.at && last.lane !== entry.lane));
  for (const entry of shownEntries) {
    const waited = last ? entry.at - last.at : 0;
    if (last && !sharesRow(entry)) y += 19 + 9 * Math.log10(1 + waited / 1000);
    if (entry.mark === 'step' || entry.mark === 'agreed' || entry.mark === 'broken') y += 7;
    if (waited >= 1e6) laters.push({ y: y - 17, text: `${duration(waited)} later` });
    entry.y = y;
    if (entry.mark !== 'state' || movesClock(entry)) last = entry;
  }
  for (const entry of run.entries) {
    // What is lost ends in the air, soon after it was sent.
    if (entry.mark === 'lost' && entry.sent) entry.y = entry.sent.y + 26;
  }
  return { x, gap, laters, height: y + 36, width: Math.max(width, TIME + gap * laneOrder.length) };
}

// ---- drawing

function draw() {
  const place = layOut();
  svg.replaceChildren();
  svg.setAttribute('width', place.width);
  svg.setAttribute('height', place.height);
  $('lanes').style.width = `${place.width}px`;
  $('lanes').replaceChildren();
  for (const lane of laneOrder) {
    html('span', lane, $('lanes')).style.left = `${place.x(lane)}px`;
    drawLane(lane, place);
  }
  for (const later of place.laters) {
    element('text', { class: 'later', x: 6, y: later.y + 4 }, svg, later.text);
  }
  let time = null;
  for (const entry of shownEntries) {
    if (entry.at !== time && entry.mark !== 'state') {
      element('text', { class: 'time', x: 6, y: entry.y + 4 }, svg, duration(entry.at));
      time = entry.at;
    }
  }
  places = new Map();
  for (const entry of shownEntries) {
    const item = drawEntry(entry, place);
    if (item) places.set(entry.index, item);
  }
  if (chosen !== null) places.get(chosen)?.classList.add('chosen');
}

function drawLane(lane, { x, height }) {
  let from = 0;
  let state = { standing: lane.startsWith('rude') ? 'rude' : 'offline', settled: true };
  const segment = (to) => {
    const name = `lane ${state.standing}${state.settled ? '' : ' unsettled'}`;
    element('line', { class: name, x1: x(lane), x2: x(lane), y1: from, y2: to });
  };
  for (const entry of run.entries) {
    if (entry.lane !== lane || entry.mark !== 'state') continue;
    segment(entry.y);
    from = entry.y;
    state = entry;
  }
  segment(height);
}

function item(entry, className, label) {
  const group = element('g', { class: `item ${className}`, tabindex: -1, role: 'listitem', 'aria-label': label });
  group.addEventListener('mouseenter', () => show(entry));
  group.addEventListener('mouseleave', () => show(run.entries[chosen]));
  group.addEventListener('click', () => choose(entry.index));
  group.addEventListener('focus', () => choose(entry.index));
  return group;
}

function drawEntry(entry, place) {
  const { x, width, gap } = place;
  const fits = (text, room) => {
    const most = Math.max(4, Math.floor(room / 6));
    return text.length > most ? `${text.slice(0, most - 1)}…` : text;
  };
  switch (entry.mark) {
    case 'step': {
      const group = item(entry, 'step', entry.text);
      element('line', { x1: TIME, x2: width, y1: entry.y - 12, y2: entry.y - 12 }, group);
      element('text', { x: TIME, y: entry.y + 3 }, group, entry.text.replace('== ', ''));
      return group;
    }
    case 'agreed':
    case 'broken': {
      const group = item(entry, `band ${entry.mark}`, entry.text);
      element('rect', { x: 0, width, y: entry.y - 14, height: 26 }, group);
      element('text', { x: TIME, y: entry.y + 4 }, group, fits(entry.text.split('\n')[0], width - TIME));
      return group;
    }
    case 'state': {
      if (!movesClock(entry)) return null;
      const group = element('g', { class: 'clock' });
      const wide = 12 + 7 * String(entry.clock).length;
      element('rect', { x: x(entry.lane) - wide / 2, y: entry.y - 8, width: wide, height: 16, rx: 8 }, group);
      element('text', { x: x(entry.lane), y: entry.y + 4 }, group, String(entry.clock));
      return null;
    }
    case 'sent':
      return drawArrow(entry, place, fits);
    case 'arrived':
      // What was sent is drawn there; the news of a cut comes from nobody.
      return entry.sent ? null : drawMark(entry, { ...place, text: fits('end', gap) });
    default:
      if (entry.lane === 'world') {
        const group = item(entry, 'mark', entry.text);
        element('text', { x: TIME, y: entry.y + 4 }, group, entry.text);
        return group;
      }
      return drawMark(entry, { ...place, text: fits(entry.text, gap - 20) });
  }
}

function drawMark(entry, { x, width, text }) {
  const group = item(entry, `mark ${entry.mark}`, `${entry.lane}: ${entry.text}`);
  const at = x(entry.lane);
  element('circle', { cx: at, cy: entry.y, r: entry.mark === 'fault' ? 5.5 : 4 }, group);
  // Away from the room, where fewer arrows are, unless the edge is there.
  const long = 12 + text.length * 6.5;
  const isLeft = laneOrder.indexOf(entry.lane) < laneOrder.indexOf('room');
  const toLeft = isLeft ? at - long > 0 : at + long > width;
  const side = toLeft ? { x: at - 11, 'text-anchor': 'end' } : { x: at + 11 };
  element('text', { ...side, y: entry.y + 4 }, group, text);
  return group;
}

function drawArrow(entry, { x, gap, height }, fits) {
  const peer = entry.lane === 'room' ? peerOf(entry) : 'room';
  const ended = entry.end;
  const fate = !ended ? 'under-way' : ended.mark === 'lost' ? 'lost' : '';
  const group = item(entry, `arrow ${fate} ${isQuiet(entry) ? 'quiet' : ''}`,
    `${entry.lane} sends ${entry.label} to ${peer}${fate && `, ${fate.replace('-', ' ')}`}`);
  const [x1, y1] = [x(entry.lane), entry.y];
  let [x2, y2] = [x(peer), ended ? ended.y : Math.min(height - 8, y1 + 40)];
  const sign = Math.sign(x2 - x1);
  if (fate) x2 = x1 + sign * Math.min(Math.abs(x2 - x1), gap) * 0.6;
  const long = Math.hypot(x2 - x1, y2 - y1);
  const [right, down] = [(x2 - x1) / long, (y2 - y1) / long];
  // The head touches the lane, and the line ends inside of the head.
  const line = { x1: x1 + sign * 4, y1, x2: fate ? x2 : x2 - right * 12, y2: fate ? y2 : y2 - down * 12 };
  element('line', { class: 'hit', ...line }, group);
  element('line', { class: 'line', ...line }, group);
  if (fate === 'lost') {
    element('path', { class: 'cross', d: `M${x2 - 4} ${y2 - 4}l8 8m0 -8l-8 8` }, group);
  } else if (!fate) {
    const turn = (Math.atan2(down, right) * 180) / Math.PI;
    element('path', { class: 'head', d: 'M0 0L-9 -4L-9 4Z',
      transform: `translate(${x2 - right * 4} ${y2 - down * 4}) rotate(${turn})` }, group);
  }
  const part = Math.min(1, (gap * 0.5) / Math.max(1, Math.abs(x2 - x1)));
  element('text', { x: x1 + (x2 - x1) * part, y: y1 + (y2 - y1) * part - 3, 'text-anchor': 'middle' },
    group, fits(entry.label, gap - 20));
  return group;
}

/** To whom the room sends: whoever uses the same link. */
function peerOf(entry) {
  const link = (it) => it.flight?.match(/^\d+/)[0];
  const own = link(entry);
  const other = run.entries.find((it) => it.lane !== 'room' && it.lane !== 'world' && link(it) === own);
  return other?.lane ?? laneOrder.find((lane) => lane !== 'room') ?? 'room';
}

// ---- choosing

let chosen = null;

function choose(index) {
  if (chosen !== null) places.get(chosen)?.classList.remove('chosen');
  chosen = index;
  const group = places.get(index);
  group?.classList.add('chosen');
  show(run.entries[index]);
}

function goTo(index) {
  const group = places.get(index);
  if (!group) return;
  group.focus({ preventScroll: true });
  choose(index);
  const { top, bottom } = group.getBoundingClientRect();
  const isCovered = top < $('lanes').getBoundingClientRect().bottom || bottom > innerHeight * 0.55;
  if (isCovered) group.scrollIntoView({ block: 'center', inline: 'nearest' });
}

function show(entry) {
  const detail = $('detail');
  detail.replaceChildren();
  if (!entry) {
    const hint = 'Point at something, or press the down key. f goes to the next fault.';
    if (matchMedia('(min-width: 901px)').matches) html('p', hint, detail);
    return;
  }
  const [first, ...rest] = entry.text.split('\n');
  const name = entry.label ? `${entry.lane}: ${entry.label}` : `${entry.lane}: ${first}`;
  html('h3', entry.lane === 'world' ? first.replace('== ', '') : name, detail);
  html('p', `at ${duration(entry.at)}${fateOf(entry)}`, detail);
  const table = html('table', '', detail);
  for (const lane of laneOrder.filter((lane) => entry.states[lane])) {
    const state = entry.states[lane];
    const row = html('tr', '', table);
    html('td', lane, row);
    html('td', state.standing + (state.settled ? '' : ', unconfirmed'), row);
    html('td', state.clock === null ? '' : `clock ${state.clock}`, row);
  }
  const message = entry.message ?? null;
  if (message !== null) html('pre', typeof message === 'string' ? message : JSON.stringify(message, null, 2), detail);
  else if (rest.length) html('pre', rest.join('\n'), detail);
}

function fateOf(entry) {
  if (entry.mark !== 'sent') return '';
  if (!entry.end) return ', still under way at the end';
  const took = duration(entry.end.at - entry.at);
  return entry.end.mark === 'lost' ? `, lost after ${took}` : `, there after ${took}`;
}

function next(step, wanted = () => true) {
  const indexes = [...places.keys()].filter((index) => wanted(run.entries[index]));
  const at = chosen ?? -1;
  const found = step > 0 ? indexes.find((index) => index > at) : indexes.findLast((index) => index < at);
  if (found !== undefined) goTo(found);
}

const isFault = (entry) => entry.mark === 'fault' || entry.mark === 'broken';
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const keys = {
    ArrowDown: () => next(1),
    j: () => next(1),
    ArrowUp: () => next(-1),
    k: () => next(-1),
    f: () => next(1, isFault),
    F: () => next(-1, isFault),
    Home: () => goTo([...places.keys()][0]),
    End: () => goTo([...places.keys()].at(-1)),
    Escape: () => choose(null),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

// ---- what stands around the picture

$('verdict').textContent = run.failure ? `${run.failure.oracle} is broken` : 'all holds';
$('verdict').className = run.failure ? 'bad' : 'good';
const lasted = run.entries.at(-1)?.at ?? 0;
$('facts').textContent =
  `${run.inputs} inputs, ${flights.length} messages, ${duration(lasted)}, fingerprint ${run.hash}`;
$('script').textContent = run.script;
for (const { name, what } of run.invariants) {
  const isBroken = run.failure?.oracle === name;
  const line = html('li', '', $('invariants'), isBroken ? 'broken' : run.failure ? 'unknown' : '');
  html('span', isBroken ? '✗' : run.failure ? '–' : '✓', line, 'sign');
  const text = html('div', '', line);
  html('b', name, text);
  html('span', isBroken ? ' is broken' : '', text);
  html('div', what.replaceAll('`', ''), text, 'what');
  if (isBroken) html('pre', run.failure.detail, text);
}
const broken = run.entries.findLast((entry) => entry.mark === 'broken');
$('failure').hidden = !broken;
$('failure').onclick = () => goTo(broken.index);
$('fault').onclick = () => next(1, isFault);
$('fault').hidden = !run.entries.some(isFault);
$('pings').onchange = draw;
const isDark = () =>
  (document.documentElement.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : '')) === 'dark';
const nameTheme = () => ($('theme').textContent = isDark() ? 'Light' : 'Dark');
$('theme').onclick = () => {
  document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
  nameTheme();
};
nameTheme();
new ResizeObserver(draw).observe($('chart'));
draw();
show(null);
if (broken) goTo(broken.index);
