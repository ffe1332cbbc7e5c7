// The Twilio side: sending, reading back, Content, callbacks, media, and the signatures of its webhooks.
import {
  ADA, TWILIO, check, equal, fixture, http, run, startGateway, startSandbox, twilioSignature, until,
} from './lib.mjs';

const gateway = await startGateway();
const sandbox = await startSandbox(gateway, '--phone', '+14155550123:Ana Exemplo:pt');
const tests = {};
const ANA = '+14155550123';
const account = `/2010-04-01/Accounts/${TWILIO.sid}`;
const callback = () => `${gateway.url}/twilio/status?mid=out-42.1.ff`;
const content = (body, options = {}) => sandbox.rest('/v1/Content', { method: 'POST', body, ...options });

function verify(hook) {
  const params = new URLSearchParams(hook.body.toString());
  return hook.headers['x-twilio-signature'] === twilioSignature(TWILIO.token, gateway.url + hook.path, params);
}

tests.signature_of_the_vectors = async () => {
  // The yardstick itself, against the published vectors.
  const { vectors } = JSON.parse(fixture('twilio/signature-vectors.json'));
  let compared = 0;
  for (const v of vectors.filter((x) => x.valid && x.params)) {
    const params = new URLSearchParams();
    for (const [name, value] of v.params) params.append(name, value);
    if (twilioSignature(v.auth_token, v.signed_url ?? v.url, params) === v.signature) compared += 1;
  }
  check('most vectors are ours', compared >= 15, compared);
};

tests.sms = async () => {
  const from = '+12025550188';
  const form = new URLSearchParams({ To: ANA, From: from, Body: 'Gas leak', StatusCallback: callback() });
  const got = await sandbox.sms(form.toString());
  check('accepted without a window', got.status === 201, got.text);
  equal('no channel in front', [got.json.to, got.json.from], [ANA, from]);
  const [shown] = await sandbox.messages();
  equal('the ledger tells', [shown.channel, shown.number_e164, shown.text], ['sms', from, 'Gas leak']);
  const hook = await until(() => gateway.hooks.find((h) => h.body.toString().includes('MessageStatus=delivered')));
  const params = new URLSearchParams(hook.body.toString());
  equal('its status', [params.get('To'), params.get('From'), params.get('ChannelPrefix')], [ANA, from, null]);
  check('signed', verify(hook));
  equal('to itself', (await sandbox.sms(new URLSearchParams({ To: from, From: from, Body: 'x' }).toString())).json.code, 21266);
  const listed = await sandbox.rest(`${account}/Messages.json?From=${encodeURIComponent(from)}`);
  equal('listed', listed.json.messages.map((m) => m.status), ['delivered']);
};

tests.fixtures = async () => {
  const made = {};
  for (const name of ['content-create-quick-reply', 'content-create-text', 'content-create-list-picker', 'content-create-card', 'content-create-media']) {
    const got = await content(fixture(`twilio/requests/${name}.json`));
    check(name, got.status === 201 && /^HX[0-9a-f]{32}$/.test(got.json.sid), got.text);
    made[name] = got.json.sid;
  }
  const swap = {
    HX205b0761c5d418fd2c79d7362c7f6253: made['content-create-quick-reply'], HXfa4416cd81f6afeed5807685fbb8ebec: made['content-create-list-picker'],
    HXfb860cf29a6dc20c3cfc68e36cebaf8a: made['content-create-text'],
  };
  const names = [
    'send-audio', 'send-content-list-picker', 'send-content-quick-reply', 'send-content-variables', 'send-document',
    'send-image-caption', 'send-location', 'send-text-bsuid', 'send-text-messaging-service',
    'send-text-service-pinned-sender', 'send-text-unicode', 'send-text-validity', 'send-text',
  ];
  const shape = Object.keys(JSON.parse(fixture('twilio/responses/201-message-queued.json'))).sort();
  for (const name of names) {
    let form = fixture(`twilio/requests/${name}.form`);
    for (const [old, sid] of Object.entries(swap)) form = form.replace(old, sid);
    form = form.replace('https%3A%2F%2Fgateway.example.com%2Ftwilio', encodeURIComponent(`${gateway.url}/twilio`));
    const got = await sandbox.sms(form);
    check(`${name} is accepted`, got.status === 201, got.text);
    equal(`${name}: members`, Object.keys(got.json).sort(), shape);
    check(`${name}: sid`, (/content|audio|document|image/.test(name) ? /^MM[0-9a-f]{32}$/ : /^SM[0-9a-f]{32}$/).test(got.json.sid), got.json.sid);
  }
  const list = await sandbox.messages();
  equal('all of them are in the ledger', list.length, names.length);
  check('correlation comes from the callback', list.every((m) => m.correlation === 'out-000042'), list.map((m) => m.correlation));
  const list_picker = list[1];
  equal('a list', [list_picker.kind, list_picker.text, list_picker.list_button, list_picker.rows.map((r) => r.id)],
    ['list', 'Pick a slot', 'Options', ['ship:next-day', 'ship:pickup']]);
  equal('buttons', [list[2].kind, list[2].text, list[2].buttons.map((b) => b.title)],
    ['button', 'Order 981 is ready. Shall we ship it today?', ['Confirm', 'Later', 'Talk to us']]);
  equal('variables', list[3].text, 'Hi Ana, your visit is on 28 March. See you then.');
  equal('unicode', list[10].text, 'Olá Zoë \u{1F44B}\nlinha 2 — 50% & mais + "aspas"');
};

tests.refusals = async () => {
  const hx = (await content(fixture('twilio/requests/content-create-text.json'))).json.sid;
  const table = [
    ['no To', { To: '', Body: 'x' }, 21604],
    ['bad To', { To: 'whatsapp:+1202', Body: 'x' }, 21211],
    ['To by SMS', { To: ADA, Body: 'x' }, 21910],
    ['From by SMS', { From: TWILIO.number, Body: 'x' }, 21910],
    ['no From', { From: '', Body: 'x' }, 21603],
    ['From of others', { From: 'whatsapp:+12025559999', Body: 'x' }, 63007],
    ['To is From', { To: `whatsapp:${TWILIO.number}`, Body: 'x' }, 63031],
    ['no Body', {}, 21602],
    ['Body of 1601', { Body: 'x'.repeat(1601) }, 21617],
    ['media from nowhere', { MediaUrl: 'nonsense' }, 21620],
    ['callback is no URL', { Body: 'x', StatusCallback: 'nonsense' }, 21609],
    ['callback host with _', { Body: 'x', StatusCallback: 'http://a_b.example.org/x' }, 21609],
    ['content unknown', { ContentSid: 'HX00000000000000000000000000000000' }, 21655],
    ['variables no JSON', { ContentSid: hx, ContentVariables: '{' }, 21656],
    ['variables no object', { ContentSid: hx, ContentVariables: '["a"]' }, 21656],
    ['variable null', { ContentSid: hx, ContentVariables: '{"1":null}' }, 21656],
    ['variable empty', { ContentSid: hx, ContentVariables: '{"1":""}' }, 21656],
    ['variable with line end', { ContentSid: hx, ContentVariables: '{"1":"a\\nb"}' }, 21656],
    ['validity', { Body: 'x', ValidityPeriod: '0' }, 21624],
    ['schedule without service', { Body: 'x', ScheduleType: 'fixed', SendAt: '2030-01-01T00:00:00Z' }, 35118],
  ];
  for (const [label, form, code] of table) {
    const got = await sandbox.sms(form);
    equal(label, [got.status, got.json?.code, got.json?.status], [400, code, 400]);
    check(`${label}: more_info`, got.json?.more_info?.endsWith(String(code)), got.text);
  }
  equal('nothing was accepted', (await sandbox.messages()).length, 0);
  equal('Body of 1600', (await sandbox.sms({ Body: '\u{1F527}'.repeat(1600) })).status, 201);
  for (const [label, auth] of [['no credentials', null], ['wrong token', `${TWILIO.sid}:x`], ['wrong account', `AC0:${TWILIO.token}`]]) {
    const got = await sandbox.sms({ Body: 'x' }, { auth });
    equal(label, [got.status, got.json.code], [401, 20003]);
  }
  equal('nothing here', (await sandbox.rest(`${account}/Nope.json`)).json.code, 20404);
};

tests.callbacks = async () => {
  const got = await sandbox.sms({ Body: 'olá + 50%', StatusCallback: callback() });
  equal('queued', [got.json.status, got.json.direction, got.json.num_media], ['queued', 'outbound-api', '0']);
  await until(() => gateway.hooks.length >= 3);
  equal('sent, delivered, read', gateway.forms().map((f) => f.MessageStatus), ['sent', 'delivered', 'read']);
  equal('events', gateway.forms().map((f) => f.EventType), [undefined, 'DELIVERED', 'READ']);
  for (const hook of gateway.hooks) {
    equal('to the callback with its query', hook.path, '/twilio/status?mid=out-42.1.ff');
    check('signed', verify(hook), hook.headers['x-twilio-signature']);
    check('idempotency token', hook.headers['i-twilio-idempotency-token']?.length > 8);
  }
  const want = Object.keys(Object.fromEntries(new URLSearchParams(fixture('twilio/status/delivered.form')))).sort();
  equal('members of the fixture', Object.keys(gateway.forms()[1]).sort(), want);
  gateway.reset();
  await sandbox.sms({ Body: 'no callback of its own' });
  await until(() => gateway.hooks.length >= 3);
  equal('the sender\'s own', gateway.hooks[0].path, '/api/whatsappwebhook/status');
};

tests.failures_come_later = async () => {
  await sandbox.config({ window_open: false });
  const stranger = '+12025557101';
  const got = await sandbox.sms({ To: `whatsapp:${stranger}`, Body: 'x', StatusCallback: callback() });
  equal('taken all the same', got.status, 201);
  await until(() => gateway.hooks.length >= 1);
  equal('failed by callback', [gateway.forms()[0].MessageStatus, gateway.forms()[0].ErrorCode], ['failed', '63016']);
  check('signed', verify(gateway.hooks[0]));
  const one = await sandbox.rest(`${account}/Messages/${got.json.sid}.json`);
  equal('read back', [one.json.status, one.json.error_code], ['failed', 63016]);
  const hx = (await content(fixture('twilio/requests/content-create-text.json'))).json.sid;
  await sandbox.rest(`/v1/Content/${hx}/ApprovalRequests/whatsapp`, { method: 'POST', body: { name: 'n1', category: 'UTILITY' } });
  await until(async () => (await sandbox.rest(`/v1/Content/${hx}/ApprovalRequests`)).json.whatsapp.status === 'approved');
  gateway.reset();
  await sandbox.sms({ To: `whatsapp:${stranger}`, ContentSid: hx });
  await until(() => gateway.hooks.length >= 3);
  equal('approved content goes', gateway.forms()[0].MessageStatus, 'sent');
  equal('with sample values', (await sandbox.messages()).at(-1).text, 'Hi Ana, your visit is on 28 March. See you then.');
  await sandbox.config({ window_open: true, phones: [{ number: '+12025557102', fail_code: 63024 }] });
  gateway.reset();
  await sandbox.sms({ To: 'whatsapp:+12025557102', Body: 'x' });
  await until(() => gateway.hooks.length >= 1);
  equal('undelivered', [gateway.forms()[0].MessageStatus, gateway.forms()[0].ErrorCode], ['undelivered', '63024']);
};

tests.content = async () => {
  const four = {
    friendly_name: 'four', language: 'en',
    types: { 'twilio/quick-reply': { body: 'b', actions: [1, 2, 3, 4].map((i) => ({ type: 'QUICK_REPLY', title: `t${i}`, id: `${i}` })) } },
  };
  const { sid } = (await content(four)).json;
  await sandbox.sms({ ContentSid: sid });
  await until(() => gateway.hooks.length >= 1);
  equal('four buttons need approval', gateway.forms()[0].ErrorCode, '63005');
  equal('no language', (await content({ types: four.types })).status, 400);
  equal('no types', (await content({ language: 'en' })).status, 400);
  equal('unknown type', (await content({ language: 'en', types: { 'twilio/hologram': {} } })).status, 400);
  equal('unsubmitted', (await sandbox.rest(`/v1/Content/${sid}/ApprovalRequests`)).json.whatsapp.status, 'unsubmitted');
  const submit = () => sandbox.rest(`/v1/Content/${sid}/ApprovalRequests/whatsapp`, { method: 'POST', body: JSON.parse(fixture('twilio/requests/content-approval.json')) });
  equal('submitted', (await submit()).json.status, 'received');
  equal('twice', (await submit()).json.code, 92009);
  await until(async () => (await sandbox.rest(`/v1/Content/${sid}/ApprovalRequests`)).json.whatsapp.status === 'approved');
  await sandbox.control('POST', 'content', { sid, status: 'paused' });
  equal('paused', (await sandbox.rest(`/v1/Content/${sid}/ApprovalRequests`)).json.whatsapp.status, 'paused');
  const list = await sandbox.rest('/v1/Content?PageSize=1');
  check('listed', list.json.contents.length === 1 && list.json.meta.next_page_url.includes('Page=1'), list.text);
  const picker = (await content(fixture('twilio/requests/content-create-list-picker.json'))).json.sid;
  equal('lists cannot be approved', (await sandbox.rest(`/v1/Content/${picker}/ApprovalRequests/whatsapp`, { method: 'POST', body: { name: 'x', category: 'UTILITY' } })).status, 400);
  equal('deleted', (await sandbox.rest(`/v1/Content/${sid}`, { method: 'DELETE' })).status, 204);
  equal('gone', (await sandbox.rest(`/v1/Content/${sid}`)).status, 404);
};

tests.inbound = async () => {
  const same = (label, got, path) => equal(label, Object.keys(got).sort(),
    Object.keys(Object.fromEntries(new URLSearchParams(fixture(path)))).sort());
  let said = await sandbox.say({ from: ANA, to: TWILIO.number, text: 'Hello, is my order ready?' });
  equal('answered', said.json.status, 200);
  equal('path', gateway.hooks[0].path, '/api/whatsappwebhook/incoming');
  check('signed', verify(gateway.hooks[0]));
  same('text', gateway.forms()[0], 'twilio/inbound/text.form');
  equal('its words', [gateway.forms()[0].Body, gateway.forms()[0].From, gateway.forms()[0].WaId, gateway.forms()[0].ProfileName, gateway.forms()[0].MessageSid],
    ['Hello, is my order ready?', `whatsapp:${ANA}`, ANA.slice(1), 'Ana Exemplo', said.json.provider_id]);
  equal('metadata', JSON.parse(gateway.forms()[0].ChannelMetadata).data.context.WaId, ANA.slice(1));
  const sid = (await content(fixture('twilio/requests/content-create-quick-reply.json'))).json.sid;
  const sent = (await sandbox.sms({ To: `whatsapp:${ANA}`, ContentSid: sid })).json.sid;
  await until(() => gateway.hooks.length >= 4);
  gateway.reset();
  await sandbox.say({ from: ANA, type: 'button', button: { title: 'Later' } });
  same('tap', gateway.forms()[0], 'twilio/inbound/button-reply.form');
  equal('payload', [gateway.forms()[0].ButtonPayload, gateway.forms()[0].ButtonText, gateway.forms()[0].Body, gateway.forms()[0].OriginalRepliedMessageSid],
    ['later', 'Later', 'Later', sent]);
  check('signed', verify(gateway.hooks[0]));
  const picker = (await content(fixture('twilio/requests/content-create-list-picker.json'))).json.sid;
  await sandbox.sms({ To: `whatsapp:${ANA}`, ContentSid: picker });
  await until(() => gateway.hooks.length >= 4);
  gateway.reset();
  await sandbox.say({ from: ANA, type: 'list', button: { id: 'ship:pickup' } });
  same('row', gateway.forms()[0], 'twilio/inbound/list-reply.form');
  equal('row', [gateway.forms()[0].ListId, gateway.forms()[0].ListTitle], ['ship:pickup', 'Pick up']);
  gateway.reset();
  await sandbox.say({ from: ANA, to: TWILIO.number, type: 'location', location: { latitude: 52.3, longitude: 4.75, name: 'Café', address: 'Street 1' } });
  same('location', gateway.forms()[0], 'twilio/inbound/location-named.form');
  equal('reactions are not passed on', (await sandbox.say({ from: ANA, to: TWILIO.number, type: 'reaction', reaction: { message_id: sent, emoji: 'x' } })).status, 422);
};

tests.media = async () => {
  const bytes = Buffer.from('a photo, say');
  await sandbox.say({ from: ANA, to: TWILIO.number, type: 'image', media: { mime: 'image/jpeg', data: bytes.toString('base64'), caption: 'Broken screen' } });
  const form = gateway.forms()[0];
  equal('members of the fixture', Object.keys(form).sort(), Object.keys(Object.fromEntries(new URLSearchParams(fixture('twilio/inbound/image-caption.form')))).sort());
  equal('what it is', [form.NumMedia, form.MediaContentType0, form.Body, form.MessageSid.slice(0, 2)], ['1', 'image/jpeg', 'Broken screen', 'MM']);
  const path = new URL(form.MediaUrl0).pathname;
  equal('without credentials', (await sandbox.rest(path, { auth: null })).status, 401);
  const moved = await sandbox.rest(path);
  equal('elsewhere', moved.status, 302);
  const file = await http(moved.headers.location);
  check('its bytes', file.status === 200 && file.bytes.equals(bytes) && file.headers['content-type'] === 'image/jpeg', file.status);
  equal('credentials are refused there', (await http(moved.headers.location, { headers: { Authorization: 'Basic eA==' } })).status, 400);
  await sandbox.faults({ media_404: { next: 1 } });
  equal('first 404', (await sandbox.rest(path)).status, 404);
  equal('then there', (await sandbox.rest(path)).status, 302);
  equal('metadata', (await sandbox.rest(`${path}.json`)).json.content_type, 'image/jpeg');
  equal('list', (await sandbox.rest(`${account}/Messages/${form.MessageSid}/Media.json`)).json.media_list.length, 1);
  equal('deleted', (await sandbox.rest(`${path}.json`, { method: 'DELETE' })).status, 204);
  equal('gone', (await sandbox.rest(path)).status, 404);
  await sandbox.say({ from: ANA, to: TWILIO.number, type: 'document', media: { sample: 'document' } });
  equal('a document\'s name is its body', gateway.forms()[1].Body, 'report.pdf');
};

tests.reading_back = async () => {
  for (let i = 0; i < 5; i++) await sandbox.sms({ To: i % 2 ? `whatsapp:${ANA}` : `whatsapp:${ADA}`, Body: `n${i}` });
  await sandbox.say({ from: ANA, to: TWILIO.number, text: 'inbound' });
  const list = (query) => sandbox.rest(`${account}/Messages.json?${query}`);
  const today = new Date().toISOString().slice(0, 10);
  const mine = await list(`To=${encodeURIComponent(`whatsapp:${ANA}`)}&DateSent=${today}`);
  equal('to one, newest first', mine.json.messages.map((m) => m.body), ['n3', 'n1']);
  equal('another day', (await list('DateSent=2020-01-01')).json.messages.length, 0);
  equal('since', (await list(`DateSent%3E=${today}`)).json.messages.length, 6);
  const first = await list('PageSize=4');
  equal('a page', first.json.messages.length, 4);
  const rest = await sandbox.rest(first.json.next_page_uri);
  equal('the rest', [rest.json.messages.map((m) => m.body), rest.json.next_page_uri], [['n1', 'n0'], null]);
  equal('inbound too', first.json.messages[0].direction, 'inbound');
  const { sid } = first.json.messages[1];
  equal('redacted', (await sandbox.rest(`${account}/Messages/${sid}.json`, { method: 'POST', form: 'Body=' })).json.body, '');
  equal('deleted', (await sandbox.rest(`${account}/Messages/${sid}.json`, { method: 'DELETE' })).status, 204);
  equal('gone', (await sandbox.rest(`${account}/Messages/${sid}.json`)).json.code, 20404);
};

tests.services_and_schedules = async () => {
  const service = JSON.parse(fixture('twilio/responses/201-message-accepted-service.json'));
  const first = (await sandbox.sms(fixture('twilio/requests/send-text-messaging-service.form').replace(/&StatusCallback.*/, ''))).json;
  equal('accepted by the service', [first.status, first.from, first.messaging_service_sid], [service.status, service.from, service.messaging_service_sid]);
  await until(() => gateway.hooks.length >= 3);
  equal('then it has a sender', (await sandbox.rest(first.uri)).json.from, `whatsapp:${TWILIO.number}`);
  const at = new Date(Date.now() + 3600000).toISOString();
  const later = (await sandbox.sms({ From: '', MessagingServiceSid: first.messaging_service_sid, Body: 'x', ScheduleType: 'fixed', SendAt: at })).json;
  equal('scheduled', later.status, 'scheduled');
  equal('canceled', (await sandbox.rest(later.uri, { method: 'POST', form: fixture('twilio/requests/cancel-scheduled.form').trim() })).json.status, 'canceled');
  equal('only what is scheduled', (await sandbox.rest(first.uri, { method: 'POST', form: 'Status=canceled' })).status, 400);
};

tests.links_are_fetched = async () => {
  await sandbox.config({ fetch_links: true });
  gateway.answer = (hook) => (hook.path === '/file.png' ? { status: 200, body: 'png' } : hook.path === '/nothing' ? 404 : 200);
  await sandbox.sms({ MediaUrl: `${gateway.url}/file.png` });
  await until(() => gateway.forms().some((f) => f.MessageStatus === 'read'));
  const [kept] = await sandbox.messages();
  equal('fetched', (await http(`${sandbox.url}/_sandbox/media/link-${kept.seq}`)).text, 'png');
  await sandbox.config({ timing: { delivered_ms: -1, read_ms: -1 } }); // however long the fetch takes
  gateway.hooks = [];
  await sandbox.sms({ MediaUrl: `${gateway.url}/nothing` });
  await until(() => gateway.forms().some((f) => f.ErrorCode));
  equal('not found, so not delivered', gateway.forms().find((f) => f.ErrorCode).ErrorCode, '63019');
  await sandbox.config({ fetch_links: false, timing: { delivered_ms: 20, read_ms: 40 } });
};

tests.people_without_a_number = async () => {
  const who = 'US.13490000000000000191';
  await sandbox.sms(fixture('twilio/requests/send-text-bsuid.form').replace(/&StatusCallback.*/, ''));
  await until(() => gateway.hooks.length >= 3);
  equal('to the user id', gateway.forms()[0].To, `whatsapp:${who}`);
  gateway.reset();
  await sandbox.say({ from: who, to: TWILIO.number, text: 'hi' });
  equal('from the user id', [gateway.forms()[0].From, gateway.forms()[0].WaId], [`whatsapp:${who}`, undefined]);
};

tests.probes = async () => {
  equal('account', (await sandbox.rest(`${account}.json`)).json.status, 'active');
  equal('senders', (await sandbox.rest('/v2/Channels/Senders?Channel=whatsapp')).json.senders.map((s) => [s.status, s.sender_id]), [['ONLINE', `whatsapp:${TWILIO.number}`]]);
  equal('balance', (await sandbox.rest(`${account}/Balance.json`)).json.currency, 'USD');
  const said = (await sandbox.say({ from: ANA, to: TWILIO.number, text: 'x' })).json.provider_id;
  for (const [path, options] of [
    ['/v2/Indicators/Typing.json', { form: { channel: 'whatsapp', messageId: said } }],
    ['/v3/Indicators/Typing.json', { body: { channel: 'WHATSAPP', messageId: said } }],
  ]) equal(path, (await sandbox.rest(path, { method: 'POST', ...options })).json, { success: true });
  equal('of nothing', (await sandbox.rest('/v2/Indicators/Typing.json', { method: 'POST', form: { channel: 'whatsapp', messageId: 'SM0' } })).status, 400);
};

tests.retries = async () => {
  let tries = 0;
  gateway.answer = () => { tries += 1; return 500; };
  equal('told at once', (await sandbox.say({ from: ANA, to: TWILIO.number, text: 'x' })).json.status, 500);
  await new Promise((done) => setTimeout(done, 150));
  equal('a 500 is final', tries, 1);
  await sandbox.config({ twilio: [{ number: TWILIO.number, inbound_url: `${gateway.url}/in?a=1#rc=2&rp=all` }], timing: { retry_ms: 20 } });
  tries = 0;
  gateway.reset();
  gateway.answer = () => { tries += 1; return 500; };
  await sandbox.say({ from: ANA, to: TWILIO.number, text: 'x' });
  await until(() => tries >= 3);
  equal('unless the URL says so', tries, 3);
  equal('the fragment stays here', gateway.hooks[0].path, '/in?a=1');
  check('and is not signed', verify(gateway.hooks[0]));
  await sandbox.config({ twilio: [{ number: TWILIO.number, inbound_url: 'http://127.0.0.1:1/in' }] });
  const before = (await sandbox.stats()).webhooks;
  equal('nobody there', (await sandbox.say({ from: ANA, to: TWILIO.number, text: 'x' })).json.status, 0);
  await until(async () => (await sandbox.stats()).webhooks.given_up > before.given_up);
  equal('once more on connect failure', (await sandbox.stats()).webhooks.retried - before.retried, 1);
  await sandbox.config({ twilio: [{ number: TWILIO.number, inbound_url: `${gateway.url}/api/whatsappwebhook/incoming` }] });
};

tests.queue = async () => {
  await sandbox.config({ twilio: [{ number: TWILIO.number, rate_per_second: 10 }], timing: { delivered_ms: -1, read_ms: -1 } });
  const start = Date.now();
  for (let i = 0; i < 6; i++) await sandbox.sms({ To: `whatsapp:+1202555810${i}`, Body: 'x' });
  equal('all are taken at once', (await sandbox.messages()).length, 6);
  await until(() => gateway.hooks.length >= 6);
  check('and leave at the sender\'s pace', gateway.hooks.length === 6 && Date.now() - start >= 450, Date.now() - start);
  await sandbox.config({ twilio: [{ number: TWILIO.number, rate_per_second: 80 }], timing: { delivered_ms: 20, read_ms: 40 } });
};

await run(tests, sandbox, gateway);
