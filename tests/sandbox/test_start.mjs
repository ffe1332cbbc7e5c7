// How the sandbox starts: flags, a configuration file, and what it says when it cannot.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { check, equal, http, run, startGateway, startSandbox } from './lib.mjs';

const gateway = await startGateway();
const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
const file = join(folder, 'sandbox.json');
writeFileSync(file, JSON.stringify({
  meta: [{ phone_number_id: 777, number: '+12025550177', waba_id: '888', access_token: 't2', app_secret: 's', verify_token: 'v', rate_per_second: 2 }],
  phones: [{ number: '+12025550181', name: 'Kofi' }],
}));
const sandbox = await startSandbox(gateway, '--config', file);
const tests = {};
const start = (...flags) => spawnSync(process.argv[2], flags, { encoding: 'utf8', timeout: 5000 });

tests.help = async () => {
  const got = start('--help');
  equal('exit', got.status, 0);
  for (const word of ['--listen', '--meta-secret', '--twilio-token', '--phone', '/_sandbox/', 'accept_then_timeout', 'double_webhooks', 'webhook_delay_ms']) {
    check(`help names ${word}`, got.stdout.includes(word));
  }
};

tests.mistakes = async () => {
  const write = (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const table = [
    ['unknown flag', ['--nope', '1'], 64, '--nope'],
    ['flag without value', ['--listen'], 64, '--listen'],
    ['rate is no number', ['--meta-rate', 'fast'], 64, '--meta-rate'],
    ['number is no number', ['--meta-number', '12'], 78, '12'],
    ['no such file', ['--config', join(folder, 'none.json')], 78, 'none.json'],
    ['no JSON', ['--config', write('a.json', '{')], 78, 'a.json'],
    ['unknown member', ['--config', write('b.json', '{"metas":[]}')], 78, 'metas'],
    ['token missing', ['--config', write('c.json', '{"meta":[{"phone_number_id":"1","number":"+12025550100"}]}')], 78, 'access_token'],
    ['bad phone', ['--config', write('d.json', '{"phones":[{"number":"x"}]}')], 78, 'phones[0]'],
    ['unknown timing', ['--config', write('e.json', '{"timing":{"slow_ms":1}}')], 78, 'slow_ms'],
    ['port taken', ['--listen', sandbox.url.replace('http://', '')], 69, 'listen'],
  ];
  for (const [label, flags, code, word] of table) {
    const got = start('--listen', '127.0.0.1:0', ...flags);
    equal(label, got.status, code);
    check(`${label}: says ${word}`, got.stderr.includes(word), got.stderr);
  }
};

tests.file_and_flags = async () => {
  const state = (await sandbox.control('GET', 'state')).json;
  equal('numbers of both', state.numbers.map((n) => [n.provider, n.number, n.rate_per_second]),
    [['meta', '+12025550177', 2], ['meta', '+12025550143', 80], ['twilio', '+12025550100', 80]]);
  check('the phone', state.phones.some((p) => p.name === 'Kofi' && p.number === '+12025550181'));
  check('no secrets in the state', !JSON.stringify(state).includes('meta-app-secret'));
  const got = await http(`${sandbox.url}/v23.0/777?fields=id`, { headers: { Authorization: 'Bearer t2' } });
  equal('its token opens it', got.json, { id: '777' });
  equal('but not the other', (await http(`${sandbox.url}/v23.0/306540352242917?fields=id`, { headers: { Authorization: 'Bearer t2' } })).status, 400);
};

tests.paths = async () => {
  equal('alive', (await http(`${sandbox.url}/healthz`)).status, 200);
  equal('nothing here', (await http(`${sandbox.url}/nope`)).status, 404);
  equal('nothing there', (await http(`${sandbox.url}/_sandbox/nope`)).status, 404);
  equal('wrong method', (await http(`${sandbox.url}/_sandbox/stats`, { method: 'POST' })).status, 405);
  for (const path of ['/', '/phones.css', '/phones.mjs', '/chat.mjs', '/icon.svg', '/photo.jpg', '/voice.ogg']) {
    const got = await http(sandbox.url + path);
    check(path, got.status === 200 && got.bytes.length > 100, got.status);
  }
};

const stop = sandbox.stop;
sandbox.stop = async () => {
  rmSync(folder, { recursive: true });
  await stop();
};
await run(tests, sandbox, gateway);
