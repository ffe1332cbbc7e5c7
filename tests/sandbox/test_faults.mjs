// Faults: each does what it says, as often as it says, and the ledger still tells the truth.
import { Agent } from 'node:http';

import {
  ADA, META, TWILIO, check, equal, http, run, sleep, startGateway, startSandbox, until,
} from './lib.mjs';

const gateway = await startGateway();
const sandbox = await startSandbox(gateway);
const tests = {};
const accepted = async () => (await sandbox.messages()).length;
const ended = async (promise) => promise.then((got) => got.status, (error) => error.code ?? error.message);
// Twilio's way of the same send.
const sms = (options = {}) => sandbox.sms({ Body: 'x' }, options);

tests.refused_documents = async () => {
  for (const bad of [{ nope: true }, { latency_ms: -1 }, { latency_ms: 'x' }, { error: 7 }, { error: { often: 1 } }, { error: { status: 99 } }]) {
    equal(JSON.stringify(bad), (await sandbox.control('PUT', 'faults', bad)).status, 422);
  }
  equal('no JSON', (await http(`${sandbox.url}/_sandbox/faults`, { method: 'PUT', body: '{' })).status, 400);
  await sandbox.faults({ seed: 3, error: [{ next: 2, code: 131026 }] });
  const shown = (await sandbox.control('GET', 'faults')).json;
  equal('shown', [shown.seed, shown.error[0].next, shown.error[0].code], [3, 2, 131026]);
  await sandbox.control('DELETE', 'faults');
  equal('cleared', (await sandbox.control('GET', 'faults')).json.error, undefined);
};

tests.errors = async () => {
  const table = [
    [{ code: 130429 }, 400, 130429], [{ code: 130429, status: 429 }, 429, 130429], [{ code: 131056 }, 400, 131056],
    [{ code: 190 }, 401, 190], [{ code: 131000 }, 500, 131000], [{}, 500, 131000], [{ code: 131016, status: 503 }, 503, 131016],
  ];
  for (const [trigger, status, code] of table) {
    await sandbox.faults({ error: { ...trigger, next: 1 } });
    const got = await sandbox.text('x');
    equal(JSON.stringify(trigger), [got.status, got.json.error.code], [status, code]);
    equal('only once', (await sandbox.text('x')).status, 200);
  }
  await sandbox.faults({ error: { body: 'html', status: 502 } });
  const html = await sandbox.text('x');
  check('a page instead', html.status === 502 && html.json === undefined && html.headers['content-type'] === 'text/html', html.text);
  await sandbox.faults({ error: { body: 'empty', status: 503 } });
  equal('nothing at all', (await sandbox.text('x')).text, '');
  await sandbox.faults({ error: { provider: 'twilio', code: 20429 } });
  equal('only Twilio', [(await sandbox.text('x')).status, (await sms()).json.code], [200, 20429]);
  await sandbox.faults({ error: { to: '+12025550128' } });
  equal('only to one', [(await sandbox.text('x')).status, (await sandbox.text('x', { to: '+12025550128' })).status], [200, 500]);
  await sandbox.faults({ error: { after: 2, next: 1 } });
  equal('the third', [(await sandbox.text('1')).status, (await sandbox.text('2')).status, (await sandbox.text('3')).status, (await sandbox.text('4')).status], [200, 200, 500, 200]);
};

tests.probability = async () => {
  const sample = async () => {
    await sandbox.faults({ seed: 42, error: { probability: 0.3 } });
    const all = [];
    for (let i = 0; i < 60; i++) all.push((await sandbox.text('x')).status);
    return all;
  };
  const first = await sample();
  const failed = first.filter((s) => s !== 200).length;
  check('about a third', failed > 8 && failed < 30, failed);
  equal('the same again', await sample(), first);
};

tests.latency = async () => {
  await sandbox.faults({ latency_ms: 1500 });
  const start = Date.now();
  let answered = false;
  const slow = sandbox.text('x').then(() => { answered = true; });
  await until(() => gateway.statuses().length >= 3);
  equal('a status may come before the answer', [gateway.statuses().length, answered], [3, false]);
  await slow;
  check('late', Date.now() - start >= 1495, Date.now() - start);
  const all = Promise.all(Array.from({ length: 20 }, () => sandbox.text('x')));
  equal('side by side', await until(async () => (await sandbox.stats()).in_flight === 20), true);
  equal('all of them', (await all).map((got) => got.status), Array(20).fill(200));
  const gone = await ended(sandbox.text('x', {}, { timeout: 50 }));
  equal('a client that does not wait', gone, 'timeout');
};

tests.latency_before = async () => {
  for (const [name, send] of [['Meta', (o) => sandbox.text('x', {}, o)], ['Twilio', sms]]) {
    await sandbox.faults({ accept_latency_ms: 1500 });
    const start = Date.now(), before = await accepted();
    const sent = send({});
    const held = await until(async () => {
      const s = await sandbox.stats();
      return s.in_flight === 1 && s;
    });
    equal(`${name}: not yet`, held?.accepted?.total, before);
    await sent;
    check(`${name}: late`, Date.now() - start >= 1495, Date.now() - start);
    equal(`${name}: accepted`, await accepted(), before + 1);
  }
};

tests.resets = async () => {
  await sandbox.faults({ reset: { next: 1 } });
  equal('reset before', await ended(sandbox.text('x')), 'ECONNRESET');
  equal('nothing taken', await accepted(), 0);
  await sandbox.faults({ accept_then_reset: { next: 1 } });
  equal('reset after', await ended(sandbox.text('x')), 'ECONNRESET');
  equal('taken', await accepted(), 1);
  await until(() => gateway.statuses().length >= 3);
  equal('statuses come', gateway.statuses().length, 3);
  await sandbox.faults({ accept_then_reset: { next: 1 }, no_statuses: false });
  equal('Twilio too', await ended(sms()), 'ECONNRESET');
};

tests.silence = async () => {
  await sandbox.faults({ accept_then_timeout: { next: 1, statuses: false } });
  equal('no answer', await ended(sandbox.text('x', {}, { timeout: 120 })), 'timeout');
  equal('taken', await until(async () => await accepted() === 1), true);
  await sleep(100);
  equal('no statuses', gateway.hooks.length, 0);
  await sandbox.faults({ accept_then_timeout: { next: 1 } });
  equal('no answer again', await ended(sms({ timeout: 120 })), 'timeout');
  await until(() => gateway.hooks.length >= 3);
  equal('statuses', gateway.hooks.length, 3);
};

tests.broken_answers = async () => {
  await sandbox.faults({ half_answer: { next: 1 } });
  const half = await ended(sandbox.text('x'));
  check('half an answer', half === 'aborted' || half === 'ECONNRESET', half);
  await sandbox.faults({ accept_then_5xx: { next: 1 } });
  const got = await sandbox.text('x');
  check('taken and 502', got.status === 502 && got.json === undefined, got.text);
  equal('both taken', await accepted(), 2);
};

tests.reused_connection = async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await sandbox.faults({ close_reused: { next: 1 } });
  equal('the first passes', await ended(sandbox.text('x', {}, { agent })), 200);
  equal('the second finds it closed', await ended(sandbox.text('x', {}, { agent })), 'ECONNRESET');
  equal('a new one passes', await ended(sandbox.text('x', {}, { agent })), 200);
  equal('two taken', await accepted(), 2);
  agent.destroy();
};

tests.statuses = async () => {
  await sandbox.faults({ swap_statuses: true });
  await sandbox.text('x');
  await until(() => gateway.statuses().length >= 3);
  equal('swapped', gateway.statuses().map((s) => s.status), ['delivered', 'sent', 'read']);
  gateway.reset();
  await sandbox.faults({ double_statuses: true });
  await sandbox.text('x');
  await until(() => gateway.statuses().length >= 6);
  equal('doubled', gateway.statuses().map((s) => s.status).sort(), ['delivered', 'delivered', 'read', 'read', 'sent', 'sent']);
  gateway.reset();
  await sandbox.faults({ no_statuses: true });
  await sandbox.text('x');
  equal('it is read', await until(async () => (await sandbox.messages()).at(-1).status === 'read'), true);
  await sleep(80);
  equal('though nobody was told', gateway.hooks.length, 0);
  await sandbox.faults({ fail_later: { code: 131026, next: 1 } });
  await sandbox.text('x');
  await until(() => gateway.statuses().length >= 1);
  await sleep(80);
  equal('failed, and nothing after it', gateway.statuses().map((s) => [s.status, s.errors?.[0].code]), [['failed', 131026]]);
  gateway.reset();
  await sandbox.faults({});
  const { id } = (await sandbox.text('x')).json.messages[0];
  await until(() => gateway.statuses().length >= 3);
  gateway.reset();
  await sandbox.control('POST', 'status', { id, status: 'failed', code: 131049 });
  await until(() => gateway.statuses().length >= 1);
  equal('by hand', [gateway.statuses()[0].status, gateway.statuses()[0].errors[0].code], ['failed', 131049]);
};

tests.webhooks = async () => {
  await sandbox.faults({ double_webhooks: true });
  await sandbox.say({ to: META.id, text: 'twice' });
  await until(() => gateway.hooks.length >= 2);
  equal('the same twice', [gateway.hooks.length, gateway.hooks[0].body.equals(gateway.hooks[1].body)], [2, true]);
  gateway.reset();
  await sandbox.faults({ webhook_delay_ms: 150 });
  const start = Date.now();
  await sandbox.say({ from: ADA, to: TWILIO.number, text: 'late' });
  check('late', gateway.hooks.length === 1 && gateway.hooks[0].at - start >= 140, gateway.hooks[0]?.at - start);
};

tests.media = async () => {
  await sandbox.say({ to: META.id, type: 'image', media: { sample: 'photo' } });
  const { url } = gateway.messages()[0].image;
  const options = { headers: { Authorization: `Bearer ${META.token}`, 'User-Agent': 'test' } };
  await sandbox.faults({ media_404: { next: 2 }, media_delay_ms: 80 });
  equal('twice 404', [(await http(url, options)).status, (await http(url, options)).status], [404, 404]);
  let start = Date.now();
  const whole = await http(url, options);
  check('then slowly', whole.status === 200 && Date.now() - start >= 75, Date.now() - start);
  await sandbox.faults({ media_bytes_per_second: 100000 });
  start = Date.now();
  const slow = await http(url, options);
  check('in drops', slow.bytes.equals(whole.bytes) && Date.now() - start > 120, [slow.bytes.length, whole.bytes.length, Date.now() - start]);
};

tests.concurrency = async () => {
  await sandbox.config({ concurrency_max: 3 });
  await sandbox.faults({ latency_ms: 1500 }); // within that all of them come
  const got = await Promise.all(Array.from({ length: 6 }, () => sms()));
  const codes = got.map((r) => r.json.code ?? 0).sort();
  equal('3 at a time', codes, [0, 0, 0, 20429, 20429, 20429]);
  await sandbox.config({ concurrency_max: 100 });
};

await run(tests, sandbox, gateway);
