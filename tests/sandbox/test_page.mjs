// The phones in a real browser: read, type, tap, choose, send; by mouse and by keyboard, wide and narrow.
import { chromium, launch } from './chromium.mjs';
import {
  ADA, check, equal, fixture, run, sleep, startGateway, startSandbox, until,
} from './lib.mjs';

if (!chromium) {
  console.log('no Chromium here: 0 passed, 0 failed');
  process.exit(77);
}
const gateway = await startGateway();
const sandbox = await startSandbox(gateway);
const tests = {};
const wide = await launch({ width: 1280, height: 800 });
const narrow = await launch({ width: 390, height: 800 });
const inAda = (selector) => `document.querySelector('[data-phone="${ADA}"] ${selector}')`;
const open = async (page) => {
  await page.eval('window.old = true'); // what is answered from there must not be taken for the new one's
  await page.goto(sandbox.url);
  await page.until('window.old === undefined && document.querySelector("#live")?.dataset.on === "true" && document.querySelector(".phone") !== null');
};
const words = (page) => page.eval(`[...document.querySelectorAll('[data-phone="${ADA}"] .msg .body')].map((n) => n.textContent)`);

tests.a_text_goes_and_an_answer_comes = async () => {
  await open(wide);
  equal('three phones side by side', await wide.eval('document.querySelectorAll(".phone").length'), 3);
  await wide.click(inAda('.text'));
  await wide.type('orders <b>please</b>');
  await wide.key('Enter');
  await until(() => gateway.messages().length >= 1);
  equal('the gateway heard it', [gateway.messages()[0].text.body, gateway.messages()[0].from], ['orders <b>please</b>', ADA.slice(1)]);
  await wide.until(`document.querySelectorAll('[data-phone="${ADA}"] .msg').length === 1`);
  await sandbox.text('You have *two* orders:\n_4711_ and ~4712~ `now` https://example.org/a?b=1 3*4*5 snake_case_name');
  await wide.until(`document.querySelectorAll('[data-phone="${ADA}"] .msg').length === 2`);
  equal('text is text', (await words(wide))[0], 'orders <b>please</b>');
  equal('marks', await wide.eval(`[...document.querySelectorAll('[data-phone="${ADA}"] .msg:last-child .body *')].map((n) => n.tagName + ':' + n.textContent)`),
    ['STRONG:two', 'EM:4711', 'S:4712', 'CODE:now', 'A:https://example.org/a?b=1']);
  check('what is no mark stays', (await words(wide))[1].endsWith('3*4*5 snake_case_name'), await words(wide));
  check('line ends stay', (await words(wide))[1].includes('orders:\n4711'));
  equal('ticks end at read', await wide.until(`${inAda('.msg:last-child .tick')}?.dataset.step === 'read'`), true);
};

tests.buttons_are_tapped = async () => {
  await open(wide);
  const sent = await sandbox.send(fixture('meta/requests/interactive_buttons.json'));
  await wide.until(`document.querySelectorAll('[data-phone="${ADA}"] .tap').length === 3`);
  equal('header and footer', await wide.eval(`[${inAda('.head')}.textContent, ${inAda('.foot')}.textContent]`), ['Pickup', 'Tap one option']);
  const box = await wide.click(`[...document.querySelectorAll('[data-phone="${ADA}"] .tap')].find((b) => b.textContent === '11:00')`);
  check('large enough for a finger', box[3] >= 44, box);
  await until(() => gateway.messages().length >= 1);
  equal('tapped', [gateway.messages()[0].interactive.button_reply, gateway.messages()[0].context.id], [{ id: 'slot-11', title: '11:00' }, sent.json.messages[0].id]);
  equal('said with its quote', await wide.until(`${inAda('.msg.mine .quote')}?.textContent`), 'When would you like to come?');
};

tests.lists_open_a_sheet = async () => {
  await open(narrow);
  await sandbox.send(fixture('meta/requests/interactive_list.json'));
  await narrow.until(`${inAda('.tap')} !== null`);
  await narrow.click(inAda('.tap'));
  equal('the sheet is open', await narrow.eval(`${inAda('dialog')}.open`), true);
  equal('sections', await narrow.eval(`[...document.querySelectorAll('.sheet-section')].map((n) => n.textContent)`), ['Fast', 'Cheap']);
  await narrow.key('Escape');
  equal('escape closes it', await narrow.eval(`${inAda('dialog')}.open`), false);
  await narrow.click(inAda('.tap'));
  await narrow.click(`[...document.querySelectorAll('.sheet-row')].find((b) => b.textContent.startsWith('Post'))`);
  await until(() => gateway.messages().length >= 1);
  equal('chosen', gateway.messages()[0].interactive.list_reply, { id: 'ship-post', title: 'Post' });
};

tests.twilio_content_too = async () => {
  await open(wide);
  const { sid } = (await sandbox.rest('/v1/Content', { method: 'POST', body: fixture('twilio/requests/content-create-quick-reply.json') })).json;
  await sandbox.sms({ ContentSid: sid, ContentVariables: '{"1":"77"}' });
  equal('its chat comes up', await wide.until(`${inAda('.line[aria-pressed="true"]')}?.textContent.startsWith('Twilio')`), true);
  await wide.click(`[...document.querySelectorAll('[data-phone="${ADA}"] .tap')].find((b) => b.textContent === 'Confirm')`);
  await until(() => gateway.forms().some((f) => f.ButtonPayload));
  equal('payload', gateway.forms().find((f) => f.ButtonPayload).ButtonPayload, 'confirm:order');
  await wide.until(`${inAda('.msg.mine')} !== null`);
  await wide.click(`[...document.querySelectorAll('[data-phone="${ADA}"] .line')].find((b) => b.textContent.startsWith('Meta'))`);
  equal('the other number has nothing', await wide.until(`${inAda('.empty')} !== null`), true);
};

tests.files_are_sent = async () => {
  await open(wide);
  const attach = async (label) => {
    await wide.click(inAda('.attach'));
    await wide.click(`[...document.querySelectorAll('[data-phone="${ADA}"] .menu button')].find((b) => b.textContent === '${label}')`);
  };
  await attach('Photo');
  await until(() => gateway.messages().some((m) => m.type === 'image'));
  equal('the photo is drawn', await wide.until(`(${inAda('.photo')}?.naturalWidth ?? 0) > 0`), true);
  await attach('Voice note');
  await until(() => gateway.messages().some((m) => m.type === 'audio'));
  equal('a voice note', gateway.messages().find((m) => m.type === 'audio').audio.voice, true);
  await wide.until(`${inAda('.voice button')} !== null`);
  equal('it can be decoded', await wide.eval(`(async () => {
    const bytes = await (await fetch('/voice.ogg')).arrayBuffer();
    return (await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(bytes)).duration > 2.5; })()`), true);
  await attach('Location');
  await until(() => gateway.messages().some((m) => m.type === 'location'));
  await wide.eval(`(() => { const t = new DataTransfer(); t.items.add(new File(['hello'], 'note.txt', { type: 'text/plain' }));
    const i = ${inAda('.file')}; i.files = t.files; i.dispatchEvent(new Event('change')); })()`);
  await until(() => gateway.messages().some((m) => m.type === 'document'));
  equal('a chosen file', gateway.messages().find((m) => m.type === 'document').document.filename, 'note.txt');
};

tests.right_to_left_and_long_words = async () => {
  await open(narrow);
  await sandbox.text('مرحبا، طلب العمل 4711 جاهز');
  await sandbox.text('x'.repeat(300));
  await narrow.until(`document.querySelectorAll('[data-phone="${ADA}"] .msg').length === 2`);
  equal('Arabic runs from the right', await narrow.eval(`getComputedStyle(${inAda('.msg .body')}).direction`), 'rtl');
  equal('nothing sticks out', await narrow.eval('document.documentElement.scrollWidth <= innerWidth && [...document.querySelectorAll(".chat")].every((c) => c.scrollWidth <= c.clientWidth)'), true);
  equal('the end is in view', await narrow.eval(`(() => { const c = ${inAda('.chat')}; return c.scrollHeight - c.scrollTop - c.clientHeight < 40; })()`), true);
};

tests.a_switcher_where_it_is_narrow = async () => {
  await open(narrow);
  equal('one phone', await narrow.eval('document.querySelectorAll(".phone").length'), 1);
  await sandbox.text('hola', { to: '+12025550128' });
  equal('unread is counted', await narrow.until(`document.querySelector('[data-person="+12025550128"] .badge')?.firstChild.data`), '1');
  await narrow.click(`document.querySelector('[data-person="+12025550128"]')`);
  equal('the other phone', await narrow.until(`document.querySelector('.phone')?.dataset.phone`), '+12025550128');
  equal('its message', await narrow.until(`document.querySelector('.phone .body')?.textContent`), 'hola');
  equal('no longer unread', await narrow.until(`document.querySelector('.badge') === null`), true);
};

tests.new_phones_and_troubles_show = async () => {
  await open(wide);
  await sandbox.text('hi', { to: '+12025556001' });
  equal('a new person', await wide.until(`document.querySelector('[data-person="+12025556001"]') !== null`), true);
  gateway.refuseOnce(401); // the page tells of the first answer
  await wide.click(inAda('.text'));
  await wide.type('x');
  await wide.key('Enter');
  equal('what went wrong', await wide.until(`${inAda('.trouble')}?.hidden === false && ${inAda('.trouble')}.textContent`), 'The gateway answered the webhook with 401.');
};

tests.two_loads_at_once_lose_nothing = async () => {
  await open(wide);
  await wide.eval(`window.held = []; window.really = window.fetch; window.fetch = async (...asked) => {
    const answer = await window.really(...asked);
    if (String(asked[0]).includes('messages?')) await new Promise((go) => window.held.push(go));
    return answer; }`);
  await sandbox.config({ timing: { retry_ms: 30 } });
  await sandbox.config({ timing: { retry_ms: 20 } });
  await wide.until('window.held.length === 2');
  await wide.eval('window.held[0]()');
  await sleep(100);
  await sandbox.text('said between the two');
  await sleep(100);
  await wide.eval('window.held[1](); window.fetch = window.really');
  await wide.until(`${inAda('.body')} !== null`);
  await sleep(100);
  equal('it is there, once', await words(wide), ['said between the two']);
};

tests.named_for_a_screen_reader = async () => {
  await open(wide);
  await sandbox.send(fixture('meta/requests/interactive_buttons.json'));
  await wide.until(`document.querySelectorAll('[data-phone="${ADA}"] .tap').length === 3`);
  const nodes = await wide.tree();
  const nameless = nodes.filter((n) => ['button', 'textbox', 'link', 'image', 'img'].includes(n.role) && n.name.trim() === '');
  equal('nothing to press or read is nameless', nameless, []);
  check('chats are logs', nodes.filter((n) => n.role === 'log').length === 3, nodes.map((n) => n.role));
  check('ticks have words', nodes.some((n) => /^(accepted|sent|delivered|read)$/.test(n.name)));
  await wide.eval('document.activeElement.blur()');
  const seen = [];
  for (let i = 0; i < 14; i++) {
    await wide.key('Tab');
    seen.push(await wide.eval('document.activeElement.className || document.activeElement.tagName'));
  }
  check('the keyboard gets everywhere', ['person', 'line', 'chat', 'tap', 'text'].every((c) => seen.some((s) => s.split(' ').includes(c))), seen);
};

tests.policy = async () => {
  const page = await sandbox.rest('/', { auth: null });
  const policy = page.headers['content-security-policy'];
  check('no inline', policy.includes("default-src 'none'") && !policy.includes('unsafe'), policy);
  check('nothing inline either', !/<script(?![^>]*src=)|<style|\son\w+=|\sstyle=/.test(page.text), page.text);
};

tests.a_restart_is_survived = async () => {
  // Last but for the quiet console: a page that was open through all of this has complained of nothing.
  await open(wide);
  await sandbox.control('DELETE', 'messages');
  await sandbox.text('after the clearing');
  equal('shown', await wide.until(`${inAda('.body')}?.textContent`), 'after the clearing');
  const noise = [...wide.problems, ...narrow.problems].filter((p) => !/link-\d+|favicon/.test(p));
  equal('no errors on the console', noise, []);
};

const close = sandbox.stop;
sandbox.stop = async () => {
  await wide.close();
  await narrow.close();
  await close();
};
await run(tests, sandbox, gateway);
