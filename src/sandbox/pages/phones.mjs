// phones: the simulated phones, side by side, live. The sandbox's ledger is the truth; this page shows it.

import { bubble, el, icon, listSheet, refresh } from '/chat.mjs';

const HISTORY = 2000; // messages loaded at the start
const SHOWN = 300; // messages kept on one screen
const COLUMN = 350; // narrowest a phone may be, side by side
const READ_AFTER_MS = 600;

const $ = (id) => document.getElementById(id);
const state = {
  numbers: [],
  phones: new Map(), // address -> phone
  order: [], // addresses as they are listed
  shown: [], // addresses on the screen, most recently chosen last
  byId: new Map(), // message id -> message
  waiting: null, // events that came while the ledger was being loaded
  loads: 0, // begun: only the last one counts, an earlier one may know less than is shown
};

async function call(path, method = 'GET', body = undefined) {
  const answer = await fetch(`/_sandbox/${path}`, {
    method,
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const json = text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Error(json.detail ?? `The sandbox answered ${answer.status}`);
  return json;
}

const initials = (name) => name.split(/\s+/u).map((w) => [...w][0] ?? '').slice(0, 2).join('').toUpperCase();
const pretty = (e164) => e164.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, '+1 $1-$2-$3');
const provider = (number) => (number.provider === 'meta' ? 'Meta' : 'Twilio');

function avatar(phone) {
  const node = el('span', 'avatar', /^[+\d]/.test(phone.name) ? phone.name.slice(-2) : initials(phone.name));
  node.dataset.hue = String(phone.hue);
  node.setAttribute('aria-hidden', 'true');
  return node;
}

// A phone that we hear of: from the state, or from a message to somebody new.
function phoneOf(address, about = {}) {
  let phone = state.phones.get(address);
  if (!phone) {
    phone = {
      address, name: address, language: '', hue: state.phones.size % 6, chats: new Map(), line: null, view: null,
    };
    state.phones.set(address, phone);
    state.order.push(address);
  }
  if (about.name) phone.name = about.name;
  if (about.language) phone.language = about.language;
  return phone;
}

function chatOf(phone, number) {
  let chat = phone.chats.get(number);
  if (!chat) {
    chat = { messages: [], unread: 0, typing: 0 };
    phone.chats.set(number, chat);
  }
  return chat;
}

const unread = (phone) => [...phone.chats.values()].reduce((sum, chat) => sum + chat.unread, 0);

// A count on a button; the button itself stays the same node, so that no click is lost to an arrival.
function setBadge(button, count) {
  const text = count > 99 ? '99+' : String(count);
  let node = button.querySelector('.badge');
  if (count === 0) {
    node?.remove();
    return;
  }
  if (!node) {
    node = el('span', 'badge', text);
    node.append(el('span', 'visually-hidden', ' unread'));
    button.append(node);
  }
  if (node.firstChild.data !== text) node.firstChild.data = text;
}

function personButton(phone) {
  const item = el('li');
  const button = el('button', 'person');
  button.type = 'button';
  button.dataset.person = phone.address;
  button.append(avatar(phone), el('bdi', '', phone.name));
  button.addEventListener('click', () => choose(phone.address));
  item.append(button);
  $('people').append(item);
  return button;
}

// The strip of people: chips that bring a phone onto the screen.
function drawPeople() {
  for (const address of state.order.slice(0, 200)) {
    const phone = state.phones.get(address);
    phone.chip ??= personButton(phone);
    phone.chip.setAttribute('aria-pressed', String(state.shown.includes(address)));
    setBadge(phone.chip, unread(phone));
  }
}

function columns() {
  return Math.max(1, Math.min(5, Math.floor((innerWidth - 24) / COLUMN)));
}

// What stands on the screen: as many as fit, the most recently chosen for certain.
function layout() {
  const room = columns();
  const wanted = state.shown.filter((a) => state.phones.has(a)).slice(-room);
  for (const address of state.order) {
    if (wanted.length >= room) break;
    if (!wanted.includes(address)) wanted.unshift(address);
  }
  state.shown = wanted;
  const inOrder = state.order.filter((a) => wanted.includes(a));
  for (const phone of state.phones.values()) {
    if (phone.view && !inOrder.includes(phone.address)) {
      phone.view.root.remove();
      phone.view = null;
    }
  }
  inOrder.forEach((address, i) => {
    const phone = state.phones.get(address);
    if (!phone.view) openView(phone);
    if ($('phones').children[i] !== phone.view.root) {
      $('phones').insertBefore(phone.view.root, $('phones').children[i] ?? null);
      toEnd(phone.view);
    }
  });
  drawPeople();
}

function choose(address) {
  state.shown = [...state.shown.filter((a) => a !== address), address];
  layout();
  const phone = state.phones.get(address);
  phone.chip.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  seen(phone);
  if (matchMedia('(pointer: fine)').matches) phone.view.text.focus({ preventScroll: true });
}

const atEnd = (view) => view.follows;
function toEnd(view) {
  view.follows = true;
  view.chat.scrollTop = view.chat.scrollHeight;
}

// A chat stays at its end while it grows (a photo loads, a keyboard opens), until somebody scrolls up.
function follow(view) {
  let last = 0;
  view.chat.addEventListener('scroll', () => {
    const { scrollTop, scrollHeight, clientHeight } = view.chat;
    if (scrollTop < last) view.follows = false; // only a person scrolls up
    if (scrollHeight - scrollTop - clientHeight < 60) view.follows = true;
    last = scrollTop;
  }, { passive: true });
  const observer = new ResizeObserver(() => view.follows && toEnd(view));
  observer.observe(view.log);
  observer.observe(view.chat);
}

function trouble(view, words) {
  view.trouble.textContent = words;
  view.trouble.hidden = words === '';
  clearTimeout(view.calm);
  if (words) view.calm = setTimeout(() => trouble(view, ''), 8000);
}

// Says, taps or sends something as this phone.
async function say(phone, what) {
  try {
    const got = await call('inbound', 'POST', { from: phone.address, to: phone.line, ...what });
    if (phone.view) {
      trouble(phone.view, got.status === 200 ? '' : got.status === 0 ? 'The gateway did not answer the webhook.'
        : `The gateway answered the webhook with ${got.status}.`);
    }
  } catch (error) {
    if (phone.view) trouble(phone.view, error.message);
  }
}

function actions(phone) {
  return {
    tap(message, option) {
      (message.chosen ??= new Set()).add(option.id);
      say(phone, { type: message.rows ? 'list' : 'button', button: { id: option.id }, quote: message.id });
      redraw(phone, message);
    },
    openList: (message) => listSheet(phone.view.sheet, message, actions(phone)),
    quoted: (id) => state.byId.get(id),
  };
}

const dayOf = (us) => new Date(us / 1000).toDateString();

function append(phone, message, before) {
  const { log } = phone.view;
  log.querySelector('.empty')?.remove();
  if (!before || dayOf(before.at_us) !== dayOf(message.at_us)) {
    log.append(el('li', 'day', new Date(message.at_us / 1000).toLocaleDateString([], { dateStyle: 'medium' })));
  }
  const item = bubble(message, actions(phone));
  if (before && before.direction !== message.direction) item.classList.add('turn');
  log.append(item);
  while (log.childElementCount > SHOWN) log.firstElementChild.remove();
  return item;
}

function redraw(phone, message) {
  const item = phone.view?.log.querySelector(`[data-seq="${message.seq}"]`);
  if (item) refresh(item, message);
}

function drawChat(phone) {
  const { view } = phone;
  const chat = chatOf(phone, phone.line);
  view.log.replaceChildren();
  if (chat.messages.length === 0) {
    view.log.append(el('li', 'empty', 'Nothing said yet. Type something, for example “help”.'));
  }
  chat.messages.slice(-SHOWN).forEach((message, i, all) => append(phone, message, all[i - 1]));
  drawTyping(phone);
  toEnd(view);
}

function lineButton(phone, number) {
  const button = el('button', 'line', provider(number));
  button.type = 'button';
  button.dataset.line = number.id;
  button.append(el('small', '', number.number.slice(-4)));
  button.title = `${number.name}, ${pretty(number.number)} (${provider(number)})`;
  button.addEventListener('click', () => {
    phone.line = number.id;
    drawLines(phone);
    drawChat(phone);
    seen(phone);
  });
  return button;
}

function drawLines(phone) {
  const { lines } = phone.view;
  if (lines.childElementCount === 0) lines.append(...state.numbers.map((number) => lineButton(phone, number)));
  for (const button of lines.children) {
    const id = button.dataset.line;
    button.setAttribute('aria-pressed', String(phone.line === id));
    const count = phone.line === id ? 0 : chatOf(phone, id).unread;
    button.setAttribute('aria-label', count ? `${button.title}, ${count} unread` : button.title);
    setBadge(button, count);
  }
}

function drawTyping(phone) {
  const chat = chatOf(phone, phone.line);
  phone.view.typing.hidden = chat.typing < Date.now();
}

// The person has looked: blue ticks, after the moment that reading takes.
function seen(phone) {
  const chat = phone.line && chatOf(phone, phone.line);
  if (!chat || document.visibilityState !== 'visible' || !phone.view) return;
  if (chat.unread) {
    chat.unread = 0;
    drawPeople();
    drawLines(phone);
  }
  clearTimeout(phone.reading);
  phone.reading = setTimeout(() => call('read', 'POST', { phone: phone.address }).catch(() => {}), READ_AFTER_MS);
}

function base64(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

async function sendFile(phone, chosen) {
  const kind = ['image', 'video', 'audio'].find((k) => chosen.type.startsWith(`${k}/`)) ?? 'document';
  const data = base64(new Uint8Array(await chosen.arrayBuffer()));
  await say(phone, {
    type: kind, file: true, media: { mime: chosen.type || 'application/octet-stream', filename: chosen.name, data },
  });
}

function menuOf(phone, view) {
  const entries = [
    ['photo', 'Photo', () => say(phone, { type: 'image', media: { sample: 'photo' } })],
    ['mic', 'Voice note', () => say(phone, { type: 'audio', media: { sample: 'voice' } })],
    ['file', 'Document', () => say(phone, { type: 'document', media: { sample: 'document' } })],
    ['pin', 'Location', () => say(phone, {
      type: 'location',
      location: { latitude: 52.3041, longitude: 4.7503, name: 'Pump house 2', address: 'Dock Road 14' },
    })],
    ['folder', 'Choose a file…', () => view.file.click()],
  ];
  view.menu.replaceChildren(...entries.map(([name, label, run]) => {
    const button = el('button', '', '');
    button.type = 'button';
    button.setAttribute('role', 'menuitem');
    button.append(icon(name), label);
    button.addEventListener('click', () => {
      toggleMenu(view, false);
      run();
    });
    return button;
  }));
  view.menu.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const all = [...view.menu.children];
    if (step) {
      event.preventDefault();
      all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
    }
    if (event.key === 'Escape') toggleMenu(view, false, true);
  });
}

function toggleMenu(view, open, refocus = false) {
  view.menu.hidden = !open;
  view.attach.setAttribute('aria-expanded', String(open));
  if (open) view.menu.firstElementChild.focus();
  if (refocus) view.attach.focus();
}

function wireComposer(phone, view) {
  const send = () => {
    const text = view.text.value.trim();
    if (text === '') return;
    view.text.value = '';
    grow();
    say(phone, { type: 'text', text });
  };
  const grow = () => {
    view.text.rows = Math.min(5, view.text.value.split('\n').length);
  };
  view.form.addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
  view.text.addEventListener('input', grow);
  view.text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    }
  });
  view.attach.addEventListener('click', () => toggleMenu(view, view.menu.hidden));
  view.form.addEventListener('focusout', (event) => {
    if (!view.menu.contains(event.relatedTarget) && event.relatedTarget !== view.attach) toggleMenu(view, false);
  });
  view.file.addEventListener('change', () => {
    if (view.file.files.length > 0) sendFile(phone, view.file.files[0]);
    view.file.value = '';
  });
}

function openView(phone) {
  const root = $('phone-template').content.firstElementChild.cloneNode(true);
  const find = (selector) => root.querySelector(selector);
  const view = {
    root, log: find('.log'), chat: find('.chat'), typing: find('.typing'), trouble: find('.trouble'),
    form: find('.composer'), text: find('.text'), attach: find('.attach'), menu: find('.menu'), file: find('.file'),
    sheet: find('.sheet'), lines: find('.lines'),
  };
  const id = `text-${phone.hue}-${phone.address.replace(/\W/gu, '')}`;
  phone.view = view;
  root.setAttribute('aria-label', `Phone of ${phone.name}`);
  root.dataset.phone = phone.address;
  find('.avatar').replaceWith(avatar(phone));
  find('.phone-name').append(el('bdi', '', phone.name));
  find('.phone-number').textContent = pretty(phone.address);
  view.chat.setAttribute('aria-label', `Chat of ${phone.name}`);
  find('[data-for="text"]').htmlFor = id;
  view.text.id = id;
  view.text.lang = phone.language;
  view.attach.append(icon('plus'));
  view.attach.setAttribute('aria-label', 'Send a photo, voice note, file or location');
  find('.send').append(icon('send'));
  find('.send').setAttribute('aria-label', 'Send');
  view.sheet.addEventListener('click', (event) => {
    if (event.target === view.sheet) view.sheet.close();
  });
  follow(view);
  menuOf(phone, view);
  wireComposer(phone, view);
  phone.line ??= lastLine(phone);
  drawLines(phone);
  drawChat(phone);
  seen(phone);
}

// The business number talked to last; else the first there is.
function lastLine(phone) {
  let best = state.numbers[0]?.id ?? null;
  let latest = -1;
  for (const [id, chat] of phone.chats) {
    const seq = chat.messages.at(-1)?.seq ?? -1;
    if (seq > latest && state.numbers.some((n) => n.id === id)) [best, latest] = [id, seq];
  }
  return best;
}

// What is said to a group shows on its phones, as a copy each; the group itself is no phone.
const toGroup = (message) => message.group && message.direction === 'out' && !message.copy;

function keep(message) {
  const phone = phoneOf(message.to ?? message.from);
  const chat = chatOf(phone, message.number);
  chat.messages.push(message);
  state.byId.set(message.id, message);
  if (chat.messages.length > SHOWN * 2) {
    chat.messages.splice(0, SHOWN).forEach((old) => state.byId.delete(old.id));
  }
  return [phone, chat];
}

function onMessage(message) {
  if (state.byId.has(message.id) || toGroup(message)) return;
  const known = state.phones.has(message.to ?? message.from);
  const [phone, chat] = keep(message);
  const fresh = message.direction === 'out';
  if (fresh) chat.typing = 0;
  if (!known) layout();
  if (phone.view && phone.line !== message.number && (fresh === false || chat.messages.length === 1)) {
    phone.line = message.number; // a first word, or one's own, brings its chat up
    drawChat(phone);
    drawLines(phone);
  } else if (phone.view && phone.line === message.number && known) {
    const stay = atEnd(phone.view) || !fresh;
    append(phone, message, chat.messages.at(-2)).classList.add('fresh');
    drawTyping(phone);
    if (stay) toEnd(phone.view);
  }
  if (fresh) {
    chat.unread += 1;
    if (phone.view && phone.line === message.number) seen(phone);
    if (phone.view) drawLines(phone);
    drawPeople();
  }
}

function onStatus(message) {
  const old = state.byId.get(message.id);
  if (!old) return;
  Object.assign(old, message);
  const phone = phoneOf(message.to ?? message.from);
  redraw(phone, old);
  if (message.status === 'delivered' && phone.view && phone.line === message.number) seen(phone);
}

function onTyping({ phone: address, number }) {
  const phone = phoneOf(address);
  const chat = chatOf(phone, number);
  chat.typing = Date.now() + 25000;
  if (phone.view) {
    drawTyping(phone);
    if (atEnd(phone.view)) toEnd(phone.view);
    setTimeout(() => phone.view && drawTyping(phone), 25100);
  }
}

async function load() {
  const mine = ++state.loads;
  state.waiting ??= [];
  const [world, history] = await Promise.all([call('state'), call(`messages?direction=all&tail=${HISTORY}&limit=${HISTORY}`)]);
  if (mine !== state.loads) return;
  const lines = new Map([...state.phones].map(([address, phone]) => [address, phone.line]));
  const writing = document.activeElement?.matches('.text') ? document.activeElement.closest('.phone').dataset.phone : null;
  const drafts = new Map([...state.phones].map(([address, phone]) => [address, phone.view?.text.value]));
  $('phones').replaceChildren();
  $('people').replaceChildren();
  state.numbers = world.numbers;
  state.phones.clear();
  state.byId.clear();
  state.order = [];
  for (const about of world.phones) phoneOf(about.number, about);
  for (const message of history.items) if (!toGroup(message)) keep(message);
  for (const phone of state.phones.values()) phone.line = lines.get(phone.address) ?? null;
  $('numbers').textContent = world.numbers.length === 0 ? 'No business number is configured.'
    : world.numbers.map((n) => `${n.name}: ${provider(n)} ${pretty(n.number)}`).join(' · ');
  layout();
  for (const phone of state.phones.values()) {
    if (phone.view && drafts.get(phone.address)) phone.view.text.value = drafts.get(phone.address);
  }
  state.phones.get(writing)?.view?.text.focus({ preventScroll: true });
  const waited = state.waiting;
  state.waiting = null;
  waited.forEach(([handler, data]) => handler(data));
}

function live(on) {
  $('live').textContent = on ? 'live' : 'reconnecting';
  $('live').dataset.on = String(on);
}

function listen() {
  const source = new EventSource('/_sandbox/events');
  const on = (name, handler) => source.addEventListener(name, (event) => {
    const data = JSON.parse(event.data);
    if (state.waiting && handler.length > 0) state.waiting.push([handler, data]);
    else handler(data);
  });
  // What happened before the stream opened is in the ledger: load after the hello, each time.
  on('hello', () => load().then(() => live(true)));
  on('world', () => load());
  on('message', onMessage);
  on('status', onStatus);
  on('typing', onTyping);
  source.addEventListener('error', () => live(false));
}

addEventListener('resize', layout);
document.addEventListener('visibilitychange', () => {
  for (const address of state.shown) seen(state.phones.get(address));
});
listen();
