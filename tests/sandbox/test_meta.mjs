// The Graph API side: what is accepted, what is refused and how, what the webhooks say.
import {
  ADA, META, check, equal, fixture, http, metaSignature, run, sleep, startGateway, startSandbox, until,
} from './lib.mjs';

const gateway = await startGateway();
const sandbox = await startSandbox(gateway);
const tests = {};

const template = (name, components, more = {}) => ({ name, language: 'en_US', category: 'UTILITY', components, ...more });
const body = (text, ...sample) => ({ type: 'BODY', text, ...(sample.length ? { example: { body_text: [sample] } } : {}) });
const buttons = (...list) => ({ type: 'BUTTONS', buttons: list });

function multipart(fields, file) {
  const parts = Object.entries(fields).map(([name, value]) =>
    `--xx\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`);
  return Buffer.concat([
    Buffer.from(parts.join('')),
    Buffer.from(`--xx\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n${
      file.mime ? `Content-Type: ${file.mime}\r\n` : ''}\r\n`), file.bytes, Buffer.from('\r\n--xx--\r\n'),
  ]);
}
const upload = (mime, bytes = Buffer.from('bytes'), fields = { messaging_product: 'whatsapp', type: mime }) =>
  sandbox.graph(`${META.id}/media`, {
    body: multipart(fields, { mime, bytes }), headers: { 'Content-Type': 'multipart/form-data; boundary=xx' },
  });

async function define(...list) {
  await sandbox.config({ templates: list });
}

// Every body of the collection that goes to /messages is accepted as it is, ids apart.
tests.fixtures = async () => {
  const ids = {
    1403383421380417: (await upload('image/png')).json.id, 1403383421380418: (await upload('audio/mpeg')).json.id,
    1403383421380419: (await upload('audio/ogg; codecs=opus')).json.id, 1403383421380420: (await upload('application/pdf')).json.id,
    1403383421380421: (await upload('image/webp')).json.id,
  };
  const video = (await upload('video/mp4')).json.id;
  await define(
    template('order_ready_v2', [body('Hello {{1}}, order {{2}} is ready at our desk.', 'Ada', '1')]),
    template('login_code', [body('{{1}} is your code, keep it.', '1').text ? { type: 'BODY', add_security_recommendation: true } : {},
      buttons({ type: 'URL', text: 'Copy', url: 'https://example.org/otp/{{1}}' })], { category: 'AUTHENTICATION' }),
    template('coupon_offer', [body('For {{1}} only.', 'Ada'), buttons({ type: 'COPY_CODE', text: 'Copy' })]),
    template('payment_due', [body('Pay {{1}} by {{2}} please.', '1', '2')]),
    template('invoice_ready', [{ type: 'HEADER', format: 'DOCUMENT' }, body('Invoice {{1}} is ready.', '1'),
      buttons({ type: 'URL', text: 'Open', url: 'https://example.org/i/{{1}}' })]),
    template('book_slot', [body('Book now.'), buttons({ type: 'FLOW', text: 'Book' })]),
    template('group_invite_upon_request', [body('Join {{1}} here.', 'x')]),
    template('pickup_choice', [{ type: 'HEADER', format: 'IMAGE' }, body('Hello {{1}}, choose.', 'Ada'),
      buttons({ type: 'QUICK_REPLY', text: 'Confirm' }, { type: 'QUICK_REPLY', text: 'Cancel' })]),
    template('order_ready_named', [{
      type: 'BODY', text: 'Hello {{first_name}}, order {{order_number}} is ready.',
      example: { body_text_named_params: [{ param_name: 'first_name', example: 'A' }, { param_name: 'order_number', example: '1' }] },
    }], { parameter_format: 'NAMED' }),
  );
  const said = await sandbox.say({ to: META.id, text: 'hello' });
  const names = [
    'audio_by_id', 'audio_by_link', 'audio_voice_note', 'contacts', 'document_by_id', 'document_by_link', 'image_by_id',
    'image_by_link', 'interactive_buttons', 'interactive_buttons_image_header', 'interactive_cta_url', 'interactive_flow',
    'interactive_list', 'interactive_location_request', 'interactive_request_contact_info', 'location', 'mark_read',
    'mark_read_typing', 'reaction', 'reaction_remove', 'sticker_by_id', 'template_authentication_otp',
    'template_copy_code_coupon', 'template_currency_date', 'template_document_header_url_button', 'template_flow_button',
    'template_group_invite', 'template_image_header_quick_replies', 'template_named', 'template_no_params',
    'template_positional', 'text', 'text_preview_url', 'text_reply_context', 'text_to_bsuid', 'text_to_phone_and_bsuid',
    'video_by_id', 'video_by_link',
  ];
  for (const name of names) {
    let text = fixture(`meta/requests/${name}.json`);
    if (name === 'video_by_id') text = text.replace('1403383421380417', video);
    for (const [old, id] of Object.entries(ids)) text = text.replaceAll(old, id);
    if (name.startsWith('mark_read')) {
      text = JSON.stringify({ ...JSON.parse(text), message_id: said.json.provider_id });
    }
    const got = await sandbox.send(text);
    check(`${name} is accepted`, got.status === 200, got.text);
    if (!name.startsWith('mark_read')) {
      check(`${name} has a wamid`, /^wamid\.[A-Za-z0-9+/=]{20,}$/.test(got.json?.messages?.[0]?.id), got.text);
    }
  }
  const list = await sandbox.messages();
  equal('all of them are in the ledger', list.length, names.length - 2);
  equal('correlation is kept', list.find((m) => m.text.startsWith('Your order 8841')).correlation, 'gw1:01J8ZQ4S6Y7N2E5T9R3K0C1V8M');
  equal('a template is filled in', list.find((m) => m.template?.name === 'order_ready_v2').text,
    'Hello Ada, order 8841 is ready at our desk.');
  equal('a URL button is filled in', list.find((m) => m.template?.name === 'invoice_ready').buttons[0].url,
    'https://example.org/i/8841');
  for (const name of ['text_group', 'template_group_message']) {
    const got = await sandbox.send(fixture(`meta/requests/${name}.json`));
    equal(`${name}: this number is not eligible`, got.json.error.code, 131215);
  }
};

tests.refusals = async () => {
  const long = (n) => 'x'.repeat(n);
  const button = (n, title = 't', id = 'i') => Array.from({ length: n }, (_, i) =>
    ({ type: 'reply', reply: { id: `${id}${i}`, title: `${title}${i}` } }));
  const interactive = (type, action, more = {}) =>
    ({ type: 'interactive', interactive: { type, body: { text: 'b' }, action, ...more } });
  const rows = (n, more = {}) => Array.from({ length: n }, (_, i) => ({ id: `r${i}`, title: `t${i}`, ...more }));
  const list = (sections, more = {}) => interactive('list', { button: 'Choose', sections }, more);
  const table = [
    ['no product', { messaging_product: undefined, type: 'text', text: { body: 'x' } }, 400, 100],
    ['no recipient', { to: undefined, type: 'text', text: { body: 'x' } }, 400, 131008],
    ['bad number', { to: '+12', type: 'text', text: { body: 'x' } }, 400, 131009],
    ['user id in to', { to: 'US.123', type: 'text', text: { body: 'x' } }, 400, 131009],
    ['sender is recipient', { to: META.number, type: 'text', text: { body: 'x' } }, 400, 131021],
    ['unknown type', { type: 'poll', poll: {} }, 400, 131051],
    ['unknown member', { type: 'text', text: { body: 'x' }, colour: 'red' }, 400, 100],
    ['unknown text member', { type: 'text', text: { body: 'x', bold: true } }, 400, 100],
    ['text missing', { type: 'text' }, 400, 131008],
    ['text empty', { type: 'text', text: { body: '' } }, 400, 100],
    ['text of 4097', { type: 'text', text: { body: long(4097) } }, 400, 100],
    ['callback data of 513', { type: 'text', text: { body: 'x' }, biz_opaque_callback_data: long(513) }, 400, 131009],
    ['image without source', { type: 'image', image: {} }, 400, 131008],
    ['image with both', { type: 'image', image: { id: '1', link: 'https://example.org/a.png' } }, 400, 131009],
    ['image of nobody', { type: 'image', image: { id: '123456' } }, 400, 100],
    ['image from no address', { type: 'image', image: { link: 'ftp://example.org/a' } }, 400, 131009],
    ['caption of 1025', { type: 'image', image: { link: 'https://example.org/a.png', caption: long(1025) } }, 400, 131009],
    ['audio with caption', { type: 'audio', audio: { link: 'https://example.org/a.ogg', caption: 'x' } }, 400, 100],
    ['no buttons', interactive('button', { buttons: [] }), 400, 131009],
    ['4 buttons', interactive('button', { buttons: button(4) }), 400, 131009],
    ['title of 21', interactive('button', { buttons: button(1, long(20)) }), 400, 131009],
    ['id of 257', interactive('button', { buttons: button(1, 't', long(256)) }), 400, 131009],
    ['same titles', interactive('button', {
      buttons: [1, 2].map((i) => ({ type: 'reply', reply: { id: `${i}`, title: 'Yes' } })),
    }), 400, 131009],
    ['body of 1025', interactive('button', { buttons: button(1) }, { body: { text: long(1025) } }), 400, 131009],
    ['footer of 61', interactive('button', { buttons: button(1) }, { footer: { text: long(61) } }), 400, 131009],
    ['header of 61', interactive('button', { buttons: button(1) }, { header: { type: 'text', text: long(61) } }), 400, 131009],
    ['no rows', list([{ rows: [] }]), 400, 131009],
    ['11 rows', list([{ rows: rows(11) }]), 400, 131009],
    ['11 rows in two', list([{ title: 'a', rows: rows(6) }, { title: 'b', rows: rows(5).map((r) => ({ ...r, id: `z${r.id}` })) }]), 400, 131009],
    ['sections without titles', list([{ rows: rows(1) }, { rows: [{ id: 'q', title: 'q' }] }]), 400, 131008],
    ['section title of 25', list([{ title: long(25), rows: rows(1) }]), 400, 131009],
    ['row title of 25', list([{ rows: rows(1, { title: long(25) }) }]), 400, 131009],
    ['row description of 73', list([{ rows: rows(1, { description: long(73) }) }]), 400, 131009],
    ['row id of 201', list([{ rows: rows(1, { id: long(201) }) }]), 400, 131009],
    ['row ids twice', list([{ rows: rows(2, { id: 'same' }) }]), 400, 131009],
    ['list button of 21', interactive('list', { button: long(21), sections: [{ rows: rows(1) }] }), 400, 131009],
    ['list with image header', list([{ rows: rows(1) }], { header: { type: 'image', image: { link: 'https://e.org/a.png' } } }), 400, 131009],
    ['latitude 91', { type: 'location', location: { latitude: 91, longitude: 0 } }, 400, 131009],
    ['no longitude', { type: 'location', location: { latitude: 1 } }, 400, 131008],
    ['card without name', { type: 'contacts', contacts: [{ phones: [] }] }, 400, 131008],
    ['template unknown', { type: 'template', template: { name: 'nope', language: { code: 'en_US' } } }, 404, 132001],
    ['template in another language', { type: 'template', template: { name: 'hello_world', language: { code: 'en' } } }, 404, 132001],
    ['template with too many', {
      type: 'template', template: { name: 'hello_world', language: { code: 'en_US' },
        components: [{ type: 'body', parameters: [{ type: 'text', text: 'x' }] }] },
    }, 400, 132000],
    ['receipt for nothing', { to: undefined, status: 'read', message_id: 'wamid.x' }, 400, 131009],
  ];
  for (const [label, what, status, code] of table) {
    const got = await sandbox.send(what);
    equal(label, [got.status, got.json?.error?.code], [status, code]);
    check(`${label}: envelope`, got.json?.error?.type === 'OAuthException' && got.json.error.fbtrace_id
      && got.json.error.error_data?.messaging_product === 'whatsapp', got.text);
  }
  const nonsense = await sandbox.send('{"to":');
  equal('no JSON', [nonsense.status, nonsense.json.error.code], [400, 100]);
  equal('nothing was accepted', (await sandbox.messages()).length, 0);
  const stats = await sandbox.stats();
  equal('refusals are counted', stats.rejected.reduce((sum, r) => sum + r.count, 0), table.length + 1);
  // Exactly at the limits.
  for (const [label, what] of [
    ['text of 4096', { type: 'text', text: { body: '\u{1F527}'.repeat(4096) } }],
    ['title of 20', interactive('button', { buttons: button(3, long(19)) }, { body: { text: long(1024) }, footer: { text: long(60) } })],
    ['10 rows', list([{ title: long(24), rows: rows(10, { description: long(72) }) }])],
  ]) {
    const got = await sandbox.send(what);
    check(`${label} is accepted`, got.status === 200, got.text);
  }
};

tests.authorization = async () => {
  const none = await sandbox.text('x', {}, { token: null });
  equal('no token', [none.status, none.json.error.code], [401, 104]);
  const wrong = await sandbox.text('x', {}, { token: 'nonsense' });
  equal('wrong token', [wrong.status, wrong.json.error.code], [401, 190]);
  check('190 has no error_data', wrong.json.error.error_data === undefined, wrong.text);
  const other = await sandbox.graph('999999/messages', { body: {} });
  equal('number of others', [other.status, other.json.error.code, other.json.error.error_subcode], [400, 100, 33]);
  await sandbox.faults({ expired_token: true });
  const old = await sandbox.text('x');
  equal('expired token', [old.status, old.json.error.code, old.json.error.error_subcode], [401, 190, 463]);
};

tests.statuses = async () => {
  const got = await sandbox.text('olá / مرحبا \u{1F44B}', { biz_opaque_callback_data: 'm1.1.abc' });
  const id = got.json.messages[0].id;
  equal('reply names the person', got.json.contacts, [{ input: ADA, wa_id: ADA.slice(1) }]);
  await until(() => gateway.statuses().length >= 3);
  equal('sent, delivered, read', gateway.statuses().map((s) => s.status), ['sent', 'delivered', 'read']);
  for (const s of gateway.statuses()) {
    equal('of this message', [s.id, s.recipient_id, s.biz_opaque_callback_data], [id, ADA.slice(1), 'm1.1.abc']);
    check('timestamp is text of seconds', /^\d{10}$/.test(s.timestamp), s.timestamp);
  }
  equal('pricing where it belongs', gateway.statuses().map((s) => s.pricing?.category), ['service', 'service', undefined]);
  const value = gateway.values()[0];
  equal('metadata', value.metadata, { display_phone_number: META.number.slice(1), phone_number_id: META.id });
  check('card of the person', value.contacts[0].wa_id === ADA.slice(1) && value.contacts[0].user_id.startsWith('US.'), value);
  for (const hook of gateway.hooks) {
    equal('signed over the raw bytes', hook.headers['x-hub-signature-256'], metaSignature(META.secret, hook.body));
    check('only ASCII on the wire', hook.body.every((byte) => byte < 128));
  }
  const kept = (await sandbox.messages())[0];
  check('the ledger has the moments', kept.statuses.sent <= kept.statuses.delivered && kept.statuses.delivered <= kept.statuses.read
    && Math.abs(kept.at_us / 1000 - Date.now()) < 5000, kept);
};

tests.escapes = async () => {
  await sandbox.say({ to: META.id, text: 'día/noche ✓ \u{1F44D} "q" \\ \n' });
  const raw = gateway.hooks[0].body.toString('latin1');
  check('lower-case \\u escapes, surrogates, \\/', raw.includes('d\\u00eda\\/noche \\u2713 \\ud83d\\udc4d'), raw);
  equal('reads back as said', gateway.messages()[0].text.body, 'día/noche ✓ \u{1F44D} "q" \\ \n');
  equal('signature', gateway.hooks[0].headers['x-hub-signature-256'], metaSignature(META.secret, gateway.hooks[0].body));
};

tests.batches = async () => {
  await sandbox.config({ timing: { batch_ms: 60, read_ms: -1 } });
  await Promise.all(Array.from({ length: 12 }, (_, i) => sandbox.text(`n ${i}`, { to: `+1202555${2000 + i}` })));
  await until(() => gateway.statuses().length >= 24);
  equal('all arrive', gateway.statuses().length, 24);
  check('several in one POST', gateway.values().some((v) => v.statuses?.length > 3), gateway.values().length);
  await sandbox.config({ timing: { batch_ms: 5, read_ms: 40 } });
};

tests.inbound = async () => {
  const sent = await sandbox.send(fixture('meta/requests/interactive_buttons.json'));
  const listed = await sandbox.send(fixture('meta/requests/interactive_list.json'));
  gateway.reset();
  let got = await sandbox.say({ type: 'button', button: { title: '11:00' } });
  equal('answered', got.json.status, 200);
  let message = gateway.messages().find((m) => m.id === got.json.provider_id);
  equal('tap', [message.type, message.interactive, message.context], ['interactive',
    { type: 'button_reply', button_reply: { id: 'slot-11', title: '11:00' } },
    { from: META.number.slice(1), id: sent.json.messages[0].id }]);
  equal('shape of the fixture', Object.keys(message).sort(),
    Object.keys(JSON.parse(fixture('meta/inbound/interactive_button_reply.json')).entry[0].changes[0].value.messages[0]).sort());
  got = await sandbox.say({ type: 'list', button: { id: 'ship-express' } });
  message = gateway.messages().find((m) => m.id === got.json.provider_id);
  equal('row', [message.interactive, message.context.id],
    [{ type: 'list_reply', list_reply: { id: 'ship-express', title: 'Express', description: '1-2 days' } }, listed.json.messages[0].id]);
  equal('no such button', (await sandbox.say({ type: 'button', button: { title: 'Nope' } })).status, 404);
  equal('button of another message', (await sandbox.say({ type: 'button', button: { id: 'slot-11' }, quote: listed.json.messages[0].id })).status, 404);
  got = await sandbox.say({ to: META.id, text: 'quoting', quote: sent.json.messages[0].id });
  equal('a quote', gateway.messages().find((m) => m.id === got.json.provider_id).context.id, sent.json.messages[0].id);
  got = await sandbox.say({ to: META.id, type: 'location', location: { latitude: 1.5, longitude: 2, name: 'Here' } });
  equal('location', gateway.messages().find((m) => m.id === got.json.provider_id).location, { latitude: 1.5, longitude: 2, name: 'Here' });
  got = await sandbox.say({ to: META.id, type: 'reaction', reaction: { message_id: sent.json.messages[0].id, emoji: '\u{1F44D}' } });
  equal('reaction', gateway.messages().find((m) => m.id === got.json.provider_id).reaction.emoji, '\u{1F44D}');
  gateway.refuseOnce(503);
  equal('what the gateway answered', (await sandbox.say({ to: META.id, text: 'x' })).json.status, 503);
};

tests.template_tap = async () => {
  await define(template('pickup_tap', [body('Hello {{1}}, choose.', 'Ada'),
    buttons({ type: 'QUICK_REPLY', text: 'Confirm' }, { type: 'QUICK_REPLY', text: 'Cancel' })]));
  const sent = await sandbox.send({
    type: 'template', template: { name: 'pickup_tap', language: { code: 'en_US' }, components: [
      { type: 'body', parameters: [{ type: 'text', text: 'Ada' }] },
      { type: 'button', sub_type: 'quick_reply', index: '0', parameters: [{ type: 'payload', payload: 'confirm:1' }] }] },
  });
  equal('message_status', sent.json.messages[0].message_status, 'accepted');
  await sandbox.say({ type: 'button', button: { title: 'Confirm' } });
  const m = gateway.messages()[0];
  equal('a template button', [m.type, m.button, m.context.id], ['button', { payload: 'confirm:1', text: 'Confirm' }, sent.json.messages[0].id]);
  await sandbox.say({ type: 'button', button: { title: 'Cancel' } });
  equal('without payload the text is it', gateway.messages()[1].button, { payload: 'Cancel', text: 'Cancel' });
};

tests.media = async () => {
  const bytes = Buffer.from('89504e470d0a1a0a00', 'hex');
  equal('upload without type', (await upload(undefined, bytes)).json.error.code, 100);
  equal('upload of a program', (await upload('application/x-sh', bytes)).json.error.code, 100);
  equal('upload too large', (await upload('image/png', Buffer.alloc(5 * 1024 * 1024 + 1))).json.error.code, 131053);
  equal('upload without product', (await upload('image/png', bytes, { type: 'image/png' })).json.error.code, 100);
  const { id } = (await upload('image/png', bytes)).json;
  const about = await sandbox.graph(id, { method: 'GET' });
  equal('look-up', [about.json.mime_type, about.json.file_size, about.json.messaging_product], ['image/png', 9, 'whatsapp']);
  check('sha256 is hex', /^[0-9a-f]{64}$/.test(about.json.sha256));
  equal('of another number', (await sandbox.graph(`${id}?phone_number_id=1`, { method: 'GET' })).json.error.error_subcode, 33);
  const agent = { Authorization: `Bearer ${META.token}`, 'User-Agent': 'test' };
  const got = await http(about.json.url, { headers: agent });
  check('download', got.status === 200 && got.bytes.equals(bytes), got.status);
  equal('without token', (await http(about.json.url, { headers: { 'User-Agent': 't' } })).status, 401);
  equal('without a name', (await http(about.json.url, { headers: { Authorization: agent.Authorization } })).status, 400);
  equal('changed expiry', (await http(about.json.url.replace(/ext=\d/, 'ext=9'), { headers: agent })).status, 404);
  await sandbox.config({ timing: { url_life_ms: -5000 } });
  const stale = await sandbox.graph(id, { method: 'GET' });
  equal('expired', (await http(stale.json.url, { headers: agent })).status, 404);
  await sandbox.config({ timing: { url_life_ms: 300000 } });
  equal('a picture is no voice', (await sandbox.send({ type: 'audio', audio: { id } })).json.error.code, 131053);
  equal('sent', (await sandbox.send({ type: 'image', image: { id } })).status, 200);
  equal('deleted', (await sandbox.graph(id, { method: 'DELETE' })).json, { success: true });
  equal('gone', (await sandbox.graph(id, { method: 'GET' })).json.error.error_subcode, 33);
};

tests.inbound_media = async () => {
  const data = Buffer.from('hello file');
  const got = await sandbox.say({
    to: META.id, type: 'document', media: { mime: 'application/pdf', data: data.toString('base64'), filename: 'a b.pdf', caption: 'see' },
  });
  const m = gateway.messages().find((x) => x.id === got.json.provider_id);
  equal('document', [m.document.filename, m.document.caption, m.document.mime_type], ['a b.pdf', 'see', 'application/pdf']);
  const about = await sandbox.graph(m.document.id, { method: 'GET' });
  equal('base64 and hex of one digest', Buffer.from(m.document.sha256, 'base64').toString('hex'), about.json.sha256);
  const file = await http(m.document.url, { headers: { Authorization: `Bearer ${META.token}`, 'User-Agent': 't' } });
  check('its bytes', file.bytes.equals(data));
  await sandbox.say({ to: META.id, type: 'audio', media: { sample: 'voice' } });
  equal('a voice note', [gateway.messages()[1].audio.voice, gateway.messages()[1].audio.mime_type], [true, 'audio/ogg; codecs=opus']);
};

tests.templates = async () => {
  const make = (spec) => sandbox.graph(`${META.waba}/message_templates`, { body: spec });
  for (const name of ['template_create_positional', 'template_create_named', 'template_create_media_header', 'template_create_authentication']) {
    const spec = JSON.parse(fixture(`meta/requests/${name}.json`));
    const got = await make({ ...spec, name: `t_${name}` });
    equal(name, [got.status, got.json.status, got.json.category], [200, 'PENDING', spec.category]);
  }
  await until(() => gateway.values().filter((v) => v.event === 'APPROVED').length >= 4);
  const told = gateway.values().find((v) => v.message_template_name === 't_template_create_named');
  equal('the webhook', [told.event, told.message_template_language, told.reason, typeof told.message_template_id], ['APPROVED', 'en_US', 'NONE', 'number']);
  const table = [
    ['name in capitals', template('Nope', [body('x')]), 100, undefined],
    ['twice', template('t_template_create_named', [body('x')]), 100, 2388024],
    ['no example', template('a1', [body('Hi {{1}} there')]), 100, 2388043],
    ['variable in front', template('a2', [body('{{1}} there', 'x')]), 100, 2388299],
    ['variables touch', template('a3', [body('Hi {{1}}{{2}} there', 'x', 'y')]), 100, 2388299],
    ['body of 1025', template('a4', [body('x'.repeat(1025))]), 100, 2388040],
    ['footer with variable', template('a5', [body('x'), { type: 'FOOTER', text: '{{1}}' }]), 100, 2388073],
    ['11 buttons', template('a6', [body('x'), buttons(...Array(11).fill({ type: 'QUICK_REPLY', text: 'a' }))]), 100, 2388073],
    ['category', { ...template('a7', [body('x')]), category: 'NEWS' }, 100, undefined],
  ];
  for (const [label, spec, code, subcode] of table) {
    const got = await make(spec);
    equal(label, [got.status, got.json.error?.code, got.json.error?.error_subcode], [400, code, subcode]);
  }
  const first = await sandbox.graph(`${META.waba}/message_templates?limit=2`, { method: 'GET' });
  equal('a page', first.json.data.length, 2);
  const next = await http(first.json.paging.next, { headers: { Authorization: `Bearer ${META.token}` } });
  check('the next page', next.json.data.length === 2 && next.json.data[0].id !== first.json.data[0].id, next.text);
  const id = (await sandbox.graph(`${META.waba}/message_templates?name=t_template_create_named`, { method: 'GET' })).json.data[0].id;
  equal('edit', (await sandbox.graph(id, { body: { components: [body('Now {{1}} is here.', 'x')] } })).status, 400);
  equal('named stays named', (await sandbox.graph(id, {
    body: { components: [{ type: 'BODY', text: 'Now {{who}} is here.', example: { body_text_named_params: [{ param_name: 'who', example: 'x' }] } }] },
  })).status, 200);
  await sandbox.control('POST', 'template', { name: 't_template_create_positional', status: 'PAUSED' });
  const send = (name) => sandbox.send({ type: 'template', template: { name, language: { code: 'en_US' } } });
  equal('paused', (await send('t_template_create_positional')).json.error.code, 132015);
  await sandbox.control('POST', 'template', { name: 't_template_create_positional', status: 'REJECTED', reason: 'SCAM' });
  equal('rejected', (await send('t_template_create_positional')).json.error.code, 132001);
  await until(() => gateway.values().some((v) => v.event === 'REJECTED' && v.reason === 'SCAM'));
  check('told with reason', gateway.values().some((v) => v.event === 'REJECTED' && v.reason === 'SCAM'));
  equal('removed', (await sandbox.graph(`${META.waba}/message_templates?name=t_template_create_positional`, { method: 'DELETE' })).json, { success: true });
  equal('not there', (await sandbox.graph(`${META.waba}/message_templates?name=nope`, { method: 'DELETE' })).status, 400);
};

tests.template_parameters = async () => {
  await define(template('para', [{ type: 'HEADER', format: 'TEXT', text: 'No {{1}}' }, body('Hi {{1}}, it is {{2}} now.', 'a', 'b')]));
  const send = (...components) => sandbox.send({ type: 'template', template: { name: 'para', language: { code: 'en_US' }, components } });
  const text = (...values) => values.map((v) => ({ type: 'text', text: v }));
  const head = { type: 'header', parameters: text('7') };
  const table = [
    ['right', [head, { type: 'body', parameters: text('a', 'b') }], 200, undefined],
    ['one short', [head, { type: 'body', parameters: text('a') }], 400, 132000],
    ['header missing', [{ type: 'body', parameters: text('a', 'b') }], 400, 132000],
    ['line end', [head, { type: 'body', parameters: text('a\nb', 'b') }], 400, 132018],
    ['five blanks', [head, { type: 'body', parameters: text('a     b', 'b') }], 400, 132018],
    ['empty', [head, { type: 'body', parameters: text('', 'b') }], 400, 131008],
    ['too long', [head, { type: 'body', parameters: text('x'.repeat(1020), 'b') }], 400, 132005],
    ['buttons that are not there', [head, { type: 'body', parameters: text('a', 'b') }, { type: 'button', sub_type: 'quick_reply', index: '0', parameters: [] }], 400, 132012],
  ];
  for (const [label, components, status, code] of table) {
    const got = await send(...components);
    equal(label, [got.status, got.json.error?.code], [status, code]);
  }
};

tests.window = async () => {
  await sandbox.config({ window_open: false });
  const stranger = { to: '+12025557001' };
  const closed = await sandbox.text('x', stranger);
  equal('outside', [closed.status, closed.json.error.code], [400, 131047]);
  equal('a template goes', (await sandbox.send({ ...stranger, type: 'template', template: { name: 'hello_world', language: { code: 'en_US' } } })).status, 200);
  await sandbox.say({ from: stranger.to, to: META.id, text: 'hi' });
  equal('inside', (await sandbox.text('x', stranger)).status, 200);
  await sandbox.control('POST', 'window', { phone: stranger.to, open: false });
  equal('closed again', (await sandbox.text('x', stranger)).json.error.code, 131047);
  await sandbox.config({ window_open: true });
};

tests.rates = async () => {
  await sandbox.config({ meta: [{ phone_number_id: META.id, rate_per_second: 5 }] });
  const got = await Promise.all(Array.from({ length: 9 }, (_, i) => sandbox.text('x', { to: `+120255530${10 + i}` })));
  equal('5 in a second', got.filter((r) => r.status === 200).length, 5);
  equal('the others', got.filter((r) => r.json.error?.code === 130429).length, 4);
  await sleep(1050);
  equal('a second later', (await sandbox.text('x')).status, 200);
  equal('seen from here', (await sandbox.stats()).max_in_1s, 5);
  await sandbox.config({ meta: [{ phone_number_id: META.id, rate_per_second: 0 }], pair_limit: true });
  const pair = [];
  for (let i = 0; i < 47; i++) pair.push((await sandbox.text('x', { to: '+12025553999' })).json.error?.code);
  equal('45 to one person at once', pair.filter((c) => c === undefined).length, 45);
  equal('then 131056', pair.slice(45), [131056, 131056]);
  equal('not to another', (await sandbox.text('x')).status, 200);
  await sandbox.config({ meta: [{ phone_number_id: META.id, rate_per_second: 80 }], pair_limit: false });
  const stats = await sandbox.stats();
  equal('counted', stats.rejected.map((r) => [r.code, r.count]), [[130429, 4], [131056, 2]]);
};

tests.retries = async () => {
  let tries = 0;
  gateway.answer = () => (++tries < 4 ? [500, null, 202][tries - 1] : 200);
  await sandbox.config({ timing: { retry_ms: 40 } });
  await sandbox.say({ to: META.id, text: 'again' });
  await until(() => tries >= 4);
  await sleep(60);
  equal('until 200', tries, 4);
  check('the same bytes', gateway.hooks.every((h) => h.body.equals(gateway.hooks[0].body)
    && h.headers['x-hub-signature-256'] === gateway.hooks[0].headers['x-hub-signature-256']));
  const gaps = gateway.hooks.slice(1).map((h, i) => h.at - gateway.hooks[i].at);
  check('gaps grow', gaps[1] >= 35 && gaps[2] >= 75, gaps); // 40 ms, 80 ms, and what a busy machine adds
};

tests.handshake = async () => {
  gateway.answer = (hook) => {
    const q = new URL(hook.path, gateway.url).searchParams;
    return q.get('hub.mode') === 'subscribe' && q.get('hub.verify_token') === META.verify
      ? { status: 200, body: q.get('hub.challenge') } : 403;
  };
  equal('right', (await sandbox.control('POST', 'handshake', {})).json, { ok: true, status: 200 });
  equal('wrong token', (await sandbox.control('POST', 'handshake', { verify_token: 'x' })).json, { ok: false, status: 403 });
};

tests.numbers = async () => {
  const got = await sandbox.graph(`${META.id}?fields=id,status,throughput`, { method: 'GET' });
  equal('fields', got.json, { id: META.id, status: 'CONNECTED', throughput: { level: 'STANDARD' } });
  const all = await sandbox.graph(`${META.waba}/phone_numbers`, { method: 'GET' });
  equal('of the account', all.json.data.map((n) => n.id), [META.id]);
  equal('subscribe', (await sandbox.graph(`${META.waba}/subscribed_apps`, { body: {} })).json, { success: true });
  equal('without a version', (await http(`${sandbox.url}/${META.id}?fields=id`, { headers: { Authorization: `Bearer ${META.token}` } })).status, 200);
  await sandbox.control('POST', 'webhook', { field: 'account_alerts', value: { entity_type: 'PHONE' } });
  equal('any webhook', gateway.meta()[0].entry[0].changes[0].field, 'account_alerts');
};

tests.people_without_a_number = async () => {
  const who = 'US.88120374650193821934';
  await sandbox.config({ phones: [{ bsuid: who, name: 'Sam' }] });
  const got = await sandbox.send({ to: undefined, recipient: who, type: 'text', text: { body: 'x' } });
  equal('no wa_id', got.json.contacts, [{ input: who, user_id: who }]);
  await until(() => gateway.statuses().length >= 3);
  equal('statuses name the user id only', [gateway.statuses()[1].recipient_id, gateway.statuses()[1].recipient_user_id], [undefined, who]);
  gateway.reset();
  await sandbox.say({ from: who, to: META.id, text: 'hi' });
  const [value] = gateway.values();
  equal('fields are absent, not empty', [value.messages[0].from, value.messages[0].from_user_id, value.contacts[0].wa_id, value.contacts[0].user_id],
    [undefined, who, undefined, who]);
};

tests.groups = async () => {
  const id = 'Y2FwaV9ncm91cDoxMjAyNTU1MDE0MzoxMjAzNjM0MDQ2OTQyMzM5OTkZD', ben = '+12025554101', cat = '+12025554102';
  const people = Array.from({ length: 9 }, (_, i) => `+1202555420${i}`);
  const send = async (more = {}) => (await sandbox.send({ recipient_type: 'group', to: id, type: 'text', text: { body: 'x' }, ...more })).json;
  await sandbox.config({ window_open: false, groups: [{ id, participants: [ADA, ben] }] });
  equal('not official', (await send()).error.code, 131215);
  await sandbox.config({ meta: [{ phone_number_id: META.id, official: true }] });
  equal('unknown', (await send({ to: 'other' })).error.code, 131041);
  equal('nine', (await sandbox.control('PUT', 'config', { groups: [{ id, participants: people }] })).status, 422);
  equal('no buttons', (await send({ type: 'interactive', text: undefined, interactive: { type: 'button', body: { text: 'b' }, action: { buttons: [
    { type: 'reply', reply: { id: '1', title: 't' } }] } } })).error.code, 131051);
  equal('outside its window', (await send()).error?.code, 131047);
  equal('not one of them', (await sandbox.control('POST', 'inbound', { from: cat, group: id, text: 'x' })).status, 422);
  await sandbox.say({ from: ben, group: id, text: 'hello all' });
  equal('said there', gateway.values()[0].messages[0].group_id, id);
  gateway.reset();
  const got = await send();
  equal('like the fixture', [got.contacts[0].wa_id, got.messages[0].group_id], [id, id]);
  await until(() => gateway.statuses().length === 5); // sent once; delivered and read by each
  equal('read by each', gateway.statuses().filter((s) => s.status === 'read').length, 2);
  const sent = gateway.statuses().filter((s) => s.status === 'sent');
  equal('sent is of all', [sent.length, sent[0].recipient_type, sent[0].recipient_participant_id], [1, 'group', undefined]);
  equal('each of them', gateway.statuses().filter((s) => s.status === 'delivered').map((s) => [s.id, s.recipient_id, s.recipient_participant_id])
    .sort(), [ADA, ben].map((p) => [got.messages[0].id, id, p.slice(1)]).sort());
  equal('on the phones', (await sandbox.messages(`to=${encodeURIComponent(ben)}`)).map((m) => [m.group, m.copy]), [[id, true]]);
  equal('accepted once', (await sandbox.messages(`to=${encodeURIComponent(id)}`)).length, 1);
  gateway.reset();
  await sandbox.config({ groups: [{ id, participants: [ADA, cat], suspended: true }] });
  await until(() => gateway.values().length === 3);
  equal('who came and went', gateway.values().map((v) => v.groups[0].type).sort(),
    ['group_participants_add', 'group_participants_remove', 'group_suspend']);
  equal('suspended', (await send()).error.code, 131207);
  await sandbox.config({ groups: [{ id, participants: [], suspended: false }] });
  equal('nobody', (await send()).error.code, 131020);
  await sandbox.config({ window_open: true });
};

tests.ledger_is_bounded = async () => {
  await sandbox.config({ ledger_max: 10 });
  const first = (await sandbox.text('n0')).json.messages[0].id;
  for (let i = 1; i < 15; i++) await sandbox.text(`n${i}`);
  equal('the last ten', (await sandbox.messages()).map((m) => m.text), Array.from({ length: 10 }, (_, i) => `n${i + 5}`));
  equal('the first is forgotten', (await sandbox.control('GET', `messages/${encodeURIComponent(first)}`)).status, 404);
  equal('but counted', (await sandbox.stats()).accepted.total, 15);
  await sandbox.config({ ledger_max: 200000 });
};

tests.ledger = async () => {
  for (let i = 0; i < 5; i++) await sandbox.text(`n${i}`, { to: i % 2 ? '+12025554001' : ADA, biz_opaque_callback_data: `m${i >> 1}.${i & 1}.ff` });
  const page = (await sandbox.control('GET', 'messages?limit=2')).json;
  equal('a page', page.items.map((m) => m.text), ['n0', 'n1']);
  equal('goes on', (await sandbox.control('GET', `messages?after=${page.next}`)).json.items.map((m) => m.text), ['n2', 'n3', 'n4']);
  equal('of one', (await sandbox.messages('to=%2B12025554001')).map((m) => m.text), ['n1', 'n3']);
  const stats = await sandbox.stats();
  equal('accepted, twice', [stats.accepted.total, stats.accepted.meta, stats.duplicates], [5, 5, 2]);
  await sandbox.control('DELETE', 'messages');
  equal('empty', [(await sandbox.messages()).length, (await sandbox.stats()).accepted.total], [0, 0]);
};

await run(tests, sandbox, gateway);
