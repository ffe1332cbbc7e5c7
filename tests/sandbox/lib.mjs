// lib: a sandbox under test, a gateway that writes down what it is told, and the house's way of reporting.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { fileURLToPath } from 'node:url';

export const META = {
  id: '306540352242917', number: '+12025550143', waba: '402290129340371', token: 'meta-token', secret: 'meta-app-secret',
  verify: 'meta verify/token',
};
export const TWILIO = {
  sid: 'AC0123456789abcdef0123456789abcdef', token: 'fedcba9876543210fedcba9876543210', number: '+12025550100',
};
export const ADA = '+12025550117';

const data = fileURLToPath(new URL('../data/providers/', import.meta.url));
export const fixture = (path) => readFileSync(data + path, 'utf8');

let failures = 0;
export function check(label, condition, got = undefined) {
  if (!condition) {
    failures += 1;
    console.log(`FAIL ${label}${got === undefined ? '' : `: ${JSON.stringify(got)?.slice(0, 400)}`}`);
  }
}
export function equal(label, got, want) {
  const same = JSON.stringify(got) === JSON.stringify(want);
  check(`${label}: want ${JSON.stringify(want)}, got`, same, got);
}

// tests: {name: async function}; each runs against the same sandbox, reset before.
export async function run(tests, sandbox, gateway) {
  const only = process.argv[3];
  let passed = 0;
  let failed = 0;
  for (const [name, test] of Object.entries(tests)) {
    if (only && !name.includes(only)) continue;
    failures = 0;
    try {
      await sandbox.reset();
      gateway.reset();
      await test();
    } catch (error) {
      failures += 1;
      console.log(`FAIL ${name}: ${error.stack}`);
    }
    if (failures === 0) passed += 1;
    else {
      failed += 1;
      console.log(`     in ${name}`);
    }
  }
  await sandbox.stop();
  await gateway.stop();
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Waits until @probe gives something; the last value otherwise, after @ms.
export async function until(probe, ms = 3000) {
  const end = Date.now() + ms;
  let value = await probe();
  while (!value && Date.now() < end) {
    await sleep(10);
    value = await probe();
  }
  return value;
}

// A gateway: hooks[] of {method, path, headers, body}. answer(hook) -> status, or null to hang up.
export async function startGateway() {
  const gateway = { hooks: [], answer: () => 200 };
  const server = createServer((req, res) => {
    const parts = [];
    req.on('data', (part) => parts.push(part));
    req.on('end', () => {
      const hook = { method: req.method, path: req.url, headers: req.headers, body: Buffer.concat(parts), at: Date.now() };
      gateway.hooks.push(hook);
      const status = gateway.answer(hook);
      if (status === null) {
        req.socket.destroy();
        return;
      }
      const body = typeof status === 'object' ? status.body : '';
      res.writeHead(typeof status === 'object' ? status.status : status,
        { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body) });
      res.end(body);
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  gateway.port = server.address().port;
  gateway.url = `http://127.0.0.1:${gateway.port}`;
  gateway.reset = () => {
    gateway.hooks = [];
    gateway.answer = () => 200;
  };
  // Refuses the first message of a person that comes, by @status; it is repeated at once. Statuses may come meanwhile.
  gateway.refuseOnce = (status) => {
    let refused = false;
    gateway.answer = (hook) => {
      if (refused || !hook.body.includes('"messages":[')) return 200;
      refused = true;
      return status;
    };
  };
  gateway.stop = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  // What the hooks said, decoded.
  gateway.meta = () => gateway.hooks.filter((h) => h.path === '/whatsapp/webhook').map((h) => JSON.parse(h.body));
  gateway.values = () => gateway.meta().flatMap((m) => m.entry).flatMap((e) => e.changes).map((c) => c.value);
  gateway.statuses = () => gateway.values().flatMap((v) => v.statuses ?? []);
  gateway.messages = () => gateway.values().flatMap((v) => v.messages ?? []);
  gateway.forms = () => gateway.hooks.filter((h) => h.path !== '/whatsapp/webhook')
    .map((h) => Object.fromEntries(new URLSearchParams(h.body.toString())));
  return gateway;
}

// One request over a connection of its own, or over @agent. Resolves to {status, headers, text, json}.
export function http(url, { method = 'GET', headers = {}, body = undefined, agent = undefined, timeout = 10000 } = {}) {
  return new Promise((done, fail) => {
    const req = request(url, { method, headers, agent, timeout }, (res) => {
      const parts = [];
      res.on('data', (part) => parts.push(part));
      res.on('error', fail);
      res.on('aborted', () => fail(new Error('aborted')));
      res.on('end', () => {
        const bytes = Buffer.concat(parts);
        const text = bytes.toString('utf8');
        let json;
        try {
          json = JSON.parse(text);
        } catch {
          json = undefined;
        }
        done({ status: res.statusCode, headers: res.headers, text, bytes, json });
      });
    });
    req.on('error', fail);
    req.on('timeout', () => req.destroy(new Error('timeout')));
    if (body !== undefined) req.end(body);
    else req.end();
  });
}

export async function startSandbox(gateway, ...more) {
  const child = spawn(process.argv[2], ['--listen', '127.0.0.1:0', '--gateway', gateway.url,
    '--meta-id', META.id, '--meta-number', META.number, '--meta-waba', META.waba, '--meta-token', META.token,
    '--meta-secret', META.secret, '--meta-verify', META.verify,
    '--twilio-sid', TWILIO.sid, '--twilio-token', TWILIO.token, '--twilio-number', TWILIO.number,
    '--no-fetch', '--no-pair-limit', '--window-open', '--sent-ms', '5', '--delivered-ms', '20', '--read-ms', '40',
    '--review-ms', '20', ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  const sandbox = { child };
  const line = await new Promise((done, fail) => {
    child.stdout.on('data', (text) => done(String(text)));
    child.on('exit', (code) => fail(new Error(`the sandbox ended with ${code}`)));
  });
  sandbox.url = line.trim().split(' ').pop();
  sandbox.control = async (method, path, body) => {
    const got = await http(`${sandbox.url}/_sandbox/${path}`, {
      method, body: body === undefined ? undefined : JSON.stringify(body),
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    });
    return got;
  };
  sandbox.faults = async (faults) => {
    const got = await sandbox.control('PUT', 'faults', faults);
    equal('faults are taken', got.status, 200);
  };
  sandbox.config = async (config) => {
    const got = await sandbox.control('PUT', 'config', config);
    check('configuration is taken', got.status === 200, got.text);
  };
  sandbox.say = async (what) => (await sandbox.control('POST', 'inbound', { from: ADA, ...what }));
  sandbox.messages = async (query = '') => (await sandbox.control('GET', `messages?${query}`)).json.items;
  sandbox.stats = async () => (await sandbox.control('GET', 'stats')).json;
  sandbox.reset = async () => {
    await sandbox.control('DELETE', 'faults');
    // What earlier tests sent must not reach the next one's gateway. One is scheduled always: the ping of the page.
    const idle = await until(async () => {
      const s = await sandbox.stats();
      return s.webhooks.in_flight === 0 && s.webhooks.waiting === 0 && s.scheduled <= 1;
    }, 10000);
    check('the test before has left nothing on its way', idle, await sandbox.stats());
    await sandbox.control('DELETE', 'messages');
  };
  sandbox.stop = () => new Promise((done) => {
    child.removeAllListeners('exit');
    child.on('exit', (code) => {
      if (code !== 0) {
        console.log(`FAIL the sandbox ended with ${code}`);
        process.exitCode = 1;
      }
      sandbox.code = code;
      done(code);
    });
    child.kill('SIGTERM');
  });
  // The two APIs.
  sandbox.graph = (path, { method = 'POST', body, token = META.token, headers = {}, ...rest } = {}) =>
    http(`${sandbox.url}/v23.0/${path}`, {
      method, headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...headers },
      body: body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body), ...rest,
    });
  sandbox.send = (body, options = {}) => sandbox.graph(`${META.id}/messages`, {
    body: typeof body === 'string' ? body
      : { messaging_product: 'whatsapp', to: ADA, ...body }, ...options,
  });
  sandbox.text = (text, more = {}, options = {}) => sandbox.send({ type: 'text', text: { body: text }, ...more }, options);
  sandbox.rest = (path, { method = 'GET', form, body, auth = `${TWILIO.sid}:${TWILIO.token}`, ...rest } = {}) =>
    http(`${sandbox.url}${path}`, {
      method,
      headers: {
        ...(auth ? { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {}),
        'Content-Type': form === undefined ? 'application/json' : 'application/x-www-form-urlencoded',
      },
      body: form === undefined ? (body === undefined || typeof body === 'string' ? body : JSON.stringify(body))
        : typeof form === 'string' ? form : new URLSearchParams(form).toString(),
      ...rest,
    });
  sandbox.sms = (form, options = {}) => sandbox.rest(`/2010-04-01/Accounts/${TWILIO.sid}/Messages.json`, {
    method: 'POST',
    form: typeof form === 'string' ? form
      : { To: `whatsapp:${ADA}`, From: `whatsapp:${TWILIO.number}`, ...form }, ...options,
  });
  return sandbox;
}

// Independent of the sandbox's C: Meta's and Twilio's signatures as their documentation says.
export const metaSignature = (secret, raw) => `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`;
export function twilioSignature(token, url, params) {
  const names = [...new Set([...params.keys()])].sort();
  const text = names.reduce((sum, name) =>
    sum + [...new Set(params.getAll(name))].sort().map((value) => name + value).join(''), url);
  return createHmac('sha1', token).update(Buffer.from(text, 'utf8')).digest('base64');
}
