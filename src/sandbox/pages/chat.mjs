// chat: how one message looks. Text is set as text everywhere: what a gateway sends is never markup here.

const SVG = 'http://www.w3.org/2000/svg';
const paths = {
  reply: ['M9 7L4 12l5 5', 'M4 12h10a6 6 0 0 1 6 6v1'],
  list: ['M8 6h12', 'M8 12h12', 'M8 18h12', 'M4 6h.01', 'M4 12h.01', 'M4 18h.01'],
  link: ['M14 4h6v6', 'M20 4l-9 9', 'M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5'],
  pin: ['M12 21s7-6.2 7-11.5A7 7 0 0 0 5 9.5C5 14.8 12 21 12 21z', 'M12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z'],
  file: ['M14 3H7a1 1 0 0 0-1 1v16a1 1 0 0 0 1 1h10a1 1 0 0 0 1-1V7z', 'M14 3v4h4'],
  play: ['M8 5.5v13l11-6.5z'],
  pause: ['M8 5v14', 'M16 5v14'],
  plus: ['M12 5v14', 'M5 12h14'],
  send: ['M4 12L20 4l-5 16-4-6z', 'M11 14l9-10'],
  photo: ['M4 7h3l2-2h6l2 2h3v12H4z', 'M12 16a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z'],
  mic: ['M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3z', 'M6 11a6 6 0 0 0 12 0', 'M12 17v4'],
  close: ['M6 6l12 12', 'M18 6L6 18'],
  folder: ['M3 7a1 1 0 0 1 1-1h5l2 2h9a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1z'],
  person: ['M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z', 'M5 20a7 7 0 0 1 14 0'],
};

export function icon(name, className = 'icon') {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', className);
  svg.setAttribute('aria-hidden', 'true');
  for (const d of paths[name]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

export function el(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// WhatsApp's marks: *bold*, _italic_, ~struck~, ```mono``` and `code`; links become links.
const marks = { '*': 'strong', _: 'em', '~': 's' };
const token = /```([\s\S]+?)```|`([^`\n]+)`|(https?:\/\/[^\s<>"]+)|(^|[\s(*_~.,;:!?"'\u2022-])([*_~])(?=\S)([^\n]*?\S)\5(?![\p{L}\p{N}])/gu;

export function format(node, text) {
  let at = 0;
  for (const m of text.matchAll(token)) {
    node.append(text.slice(at, m.index));
    at = m.index + m[0].length;
    if (m[1] !== undefined || m[2] !== undefined) {
      node.append(el(m[1] !== undefined ? 'pre' : 'code', '', m[1] ?? m[2]));
    } else if (m[3] !== undefined) {
      const a = el('a', '', m[3]);
      a.href = m[3];
      a.target = '_blank';
      a.rel = 'noopener noreferrer';
      node.append(a);
    } else {
      const inner = el(marks[m[5]]);
      format(inner, m[6]);
      node.append(m[4], inner);
    }
  }
  node.append(text.slice(at));
}

// The words without their marks, for a quote.
export function plain(text) {
  const node = document.createElement('p');
  format(node, text);
  return node.textContent;
}

export function clock(us) {
  return new Date(us / 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}

// One tick sent, two delivered, two blue read.
function ticks(step) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 17 12');
  svg.setAttribute('class', 'tick');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', step);
  svg.dataset.step = step;
  const d = step === 'accepted' ? ['M8.5 10a4 4 0 1 0 0-8 4 4 0 0 0 0 8z', 'M8.5 4v2.200l1.5 1']
    : step === 'sent' ? ['M4 6.5l3 3 6-7'] : ['M1 6.5l3 3 6-7', 'M7 9l.5.5 6-7'];
  for (const one of d) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', one);
    svg.append(path);
  }
  return svg;
}

function voice(src) {
  const row = el('div', 'voice');
  const button = el('button');
  const wave = el('span', 'wave');
  const audio = new Audio();
  button.type = 'button';
  button.setAttribute('aria-label', 'Play voice note');
  button.append(icon('play'));
  for (let i = 0; i < 28; i++) wave.append(el('i'));
  audio.preload = 'none';
  audio.src = src;
  const show = (name, label) => {
    button.replaceChildren(icon(name));
    button.setAttribute('aria-label', label);
  };
  button.addEventListener('click', () => (audio.paused ? audio.play() : audio.pause()));
  audio.addEventListener('play', () => show('pause', 'Pause voice note'));
  audio.addEventListener('pause', () => show('play', 'Play voice note'));
  audio.addEventListener('timeupdate', () => {
    const part = audio.duration ? audio.currentTime / audio.duration : 0;
    [...wave.children].forEach((bar, i) => bar.classList.toggle('on', i < part * 28));
  });
  row.append(button, wave);
  return row;
}

function row(iconName, title, about, href) {
  const node = el(href ? 'a' : 'div', 'card-row');
  const words = el('span');
  words.append(title);
  if (about) words.append(el('small', '', about));
  node.append(icon(iconName), words);
  if (href) {
    node.href = href;
    node.target = '_blank';
    node.rel = 'noopener noreferrer';
  }
  return node;
}

function file(kind, src, media) {
  if (kind === 'image' || kind === 'sticker') {
    const img = el('img', 'photo');
    img.src = src;
    img.alt = media.filename ? `Photo ${media.filename}` : 'Photo';
    return img;
  }
  if (kind === 'video') {
    const video = el('video', 'photo');
    video.src = src;
    video.controls = true;
    return video;
  }
  if (kind === 'audio') return voice(src);
  return row('file', media.filename ?? 'Document', media.mime ?? '', src);
}

// A link of the gateway: what the sandbox fetched for it, once it has.
function loadLinked(holder, message) {
  fetch(`/_sandbox/media/link-${message.seq}`).then(async (answer) => {
    if (!answer.ok || holder.dataset.loaded) return;
    const blob = await answer.blob();
    const kind = ['image', 'audio', 'video'].find((k) => blob.type.startsWith(k)) ?? 'document';
    holder.dataset.loaded = 'true';
    holder.replaceChildren(file(kind, URL.createObjectURL(blob), { ...message.media, mime: blob.type }));
  }).catch(() => {});
}

function linked(message) {
  const holder = el('div', 'linked');
  holder.append(row('link', message.media.filename ?? message.media.link, message.media.kind, message.media.link));
  loadLinked(holder, message);
  return holder;
}

function attachment(message) {
  const { media, location } = message;
  if (media) {
    return media.id ? file(media.kind, `/_sandbox/media/${encodeURIComponent(media.id)}`, media)
      : linked(message);
  }
  if (location) {
    return row('pin', location.name || 'Location',
      location.address || `${location.latitude}, ${location.longitude}`);
  }
  if (message.contacts) {
    const card = message.contacts[0];
    return row('person', card.name.formatted_name, card.phones?.[0]?.phone ?? '');
  }
  return null;
}

function taps(message, act) {
  const box = el('div', 'taps');
  for (const button of message.buttons ?? []) {
    if (button.url) {
      const a = el('a', 'tap');
      a.href = button.url;
      a.target = '_blank';
      a.rel = 'noopener noreferrer';
      a.append(icon('link'), button.title);
      box.append(a);
      continue;
    }
    const b = el('button', 'tap');
    b.type = 'button';
    b.dir = 'auto';
    b.append(icon('reply'), button.title);
    b.addEventListener('click', () => act.tap(message, button));
    b.dataset.option = button.id;
    b.dataset.chosen = String(message.chosen?.has(button.id) ?? false);
    box.append(b);
  }
  if (message.link) {
    box.append(Object.assign(el('a', 'tap', message.link.title),
      message.link.url ? { href: message.link.url, target: '_blank', rel: 'noopener noreferrer' } : {}));
  }
  if (message.rows) {
    const b = el('button', 'tap');
    b.type = 'button';
    b.setAttribute('aria-haspopup', 'dialog');
    b.append(icon('list'), message.list_button);
    b.addEventListener('click', () => act.openList(message));
    box.append(b);
  }
  return box.childElementCount ? box : null;
}

// The last line of a bubble: what it was, when, how far it came.
export function metaLine(message) {
  const mine = message.direction === 'in';
  const meta = el('div', 'meta');
  if (message.channel === 'sms') meta.append(el('span', 'kind', 'SMS'));
  if (message.template) meta.append(el('span', 'kind', `template ${message.template.name}`));
  if (message.status === 'failed') {
    meta.append(el('span', 'failed', `not delivered (${message.error_code})`));
  }
  meta.append(el('time', '', clock(message.at_us)));
  if (mine) meta.append(ticks(message.statuses.read ? 'read' : 'delivered'));
  else if (message.status !== 'failed') meta.append(ticks(message.status));
  return meta;
}

// What changed about a message that is on the screen. Its buttons stay the same nodes: a click that
// began before a tick arrived must end on the button it began on.
export function refresh(item, message) {
  item.querySelector('.meta').replaceWith(metaLine(message));
  for (const button of item.querySelectorAll('[data-option]')) {
    button.dataset.chosen = String(message.chosen?.has(button.dataset.option) ?? false);
  }
  const holder = item.querySelector('.linked');
  if (holder && !holder.dataset.loaded) loadLinked(holder, message);
}

// act: {tap(message, option), openList(message), quoted(id) -> message or undefined}
export function bubble(message, act) {
  const mine = message.direction === 'in'; // said by this phone
  const item = el('li', mine ? 'msg mine' : 'msg');
  const box = el('div', 'bubble');
  const quoted = message.quote && act.quoted(message.quote);
  const attached = attachment(message);

  item.dataset.seq = message.seq;
  item.dataset.id = message.id;
  box.append(el('span', 'visually-hidden', mine ? 'This phone: ' : 'Business: '));
  if (quoted) {
    const q = el('div', 'quote', plain(quoted.text || quoted.kind));
    q.dir = 'auto';
    box.append(q);
  }
  if (message.group) box.append(el('div', 'head', '👥 In a group'));
  if (attached) box.append(attached);
  if (message.header) {
    const h = el('div', 'head', message.header);
    h.dir = 'auto';
    box.append(h);
  }
  if (message.text && !(message.location && message.text === message.location.name) && !message.contacts) {
    const body = el('div', 'body');
    body.dir = 'auto';
    format(body, message.kind === 'reaction' ? `Reacted ${message.text}` : message.text);
    box.append(body);
  }
  if (message.footer) {
    const foot = el('div', 'foot', message.footer);
    foot.dir = 'auto';
    box.append(foot);
  }
  box.append(metaLine(message));
  item.append(box);
  const options = taps(message, act);
  if (options) item.append(options);
  return item;
}

const rightToLeft = (text) => /^\P{L}*[\p{Script=Arabic}\p{Script=Hebrew}]/u.test(text);

// The rows of a list as a sheet over the phone.
export function listSheet(dialog, message, act) {
  const head = el('div', 'sheet-head');
  const title = el('h3', '', message.list_button);
  const close = el('button', 'round');
  let section = null;

  title.id = `sheet-${message.seq}`;
  close.type = 'button';
  close.setAttribute('aria-label', 'Close');
  close.append(icon('close'));
  close.addEventListener('click', () => dialog.close());
  head.append(title, close);
  dialog.replaceChildren(head);
  dialog.dir = rightToLeft(message.list_button) ? 'rtl' : 'ltr'; // the whole sheet, whatever a row begins with
  dialog.setAttribute('aria-labelledby', title.id);
  for (const option of message.rows) {
    if (option.section && option.section !== section) {
      section = option.section;
      const label = el('p', 'sheet-section');
      label.append(el('bdi', '', section));
      dialog.append(label);
    }
    const b = el('button', 'sheet-row');
    b.type = 'button';
    b.append(el('bdi', '', option.title));
    if (option.description) {
      const about = el('small');
      about.append(el('bdi', '', option.description));
      b.append(about);
    }
    b.dataset.chosen = String(message.chosen?.has(option.id) ?? false);
    b.addEventListener('click', () => {
      dialog.close();
      act.tap(message, option);
    });
    dialog.append(b);
  }
  // A sheet belongs to its phone: it rises from that phone's lower edge, wherever that is.
  const phone = dialog.parentElement.getBoundingClientRect();
  dialog.style.setProperty('--sheet-start', `${phone.left}px`);
  dialog.style.setProperty('--sheet-size', `${phone.width}px`);
  dialog.style.setProperty('--sheet-end', `${innerHeight - phone.bottom}px`);
  dialog.showModal();
}
