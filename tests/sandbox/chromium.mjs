// chromium: drives the installed browser over a pipe, in the DevTools protocol. No packages, no ports.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHOICES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const chromium = CHOICES.find((path) => existsSync(path));

export async function launch({ width, height }) {
  const profile = mkdtempSync(join(tmpdir(), 'phones-'));
  const child = spawn(chromium, ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-dev-shm-usage',
    '--disable-background-networking', '--disable-component-update', '--disable-sync', '--remote-debugging-pipe',
    `--user-data-dir=${profile}`, `--window-size=${width},${height}`, 'about:blank'],
  { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const waiting = new Map();
  const problems = [];
  let next = 1;
  let rest = '';

  child.stdio[4].on('data', (part) => {
    const texts = (rest + part).split('\0');
    rest = texts.pop();
    for (const message of texts.map((t) => JSON.parse(t))) {
      if (message.id) {
        const [done, fail] = waiting.get(message.id);
        waiting.delete(message.id);
        if (message.error) fail(new Error(message.error.message));
        else done(message.result);
      } else if (message.method === 'Runtime.exceptionThrown') {
        problems.push(message.params.exceptionDetails.exception?.description ?? 'exception');
      } else if (message.method === 'Log.entryAdded' && message.params.entry.level === 'error') {
        problems.push(`${message.params.entry.text} ${message.params.entry.url ?? ''}`);
      }
    }
  });
  const command = (method, params = {}, sessionId = undefined) => new Promise((done, fail) => {
    const id = next++;
    waiting.set(id, [done, fail]);
    child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
  });
  let tab;
  while (!tab) { // it answers before its first tab is there
    tab = (await command('Target.getTargets')).targetInfos.find((t) => t.type === 'page');
    if (!tab) await new Promise((done) => setTimeout(done, 25));
  }
  const { targetId } = tab;
  const { sessionId } = await command('Target.attachToTarget', { targetId, flatten: true });
  const page = { problems };
  page.command = (method, params) => command(method, params, sessionId);
  for (const domain of ['Page', 'Runtime', 'Log', 'DOM', 'Accessibility']) await page.command(`${domain}.enable`);
  await page.command('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 700 });
  page.goto = (url) => page.command('Page.navigate', { url });
  // Runs @source, an expression, in the page; its value must be JSON.
  page.eval = async (source) => {
    const got = await page.command('Runtime.evaluate', { expression: source, awaitPromise: true, returnByValue: true });
    if (got.exceptionDetails) throw new Error(got.exceptionDetails.exception?.description ?? got.exceptionDetails.text);
    return got.result.value;
  };
  page.until = async (source, ms = 5000) => {
    const end = Date.now() + ms;
    for (;;) {
      const value = await page.eval(source);
      if (value || Date.now() > end) return value;
      await new Promise((done) => setTimeout(done, 25));
    }
  };
  page.type = (text) => page.command('Input.insertText', { text });
  page.key = async (key, code = key, windowsVirtualKeyCode = { Enter: 13, Tab: 9, Escape: 27 }[key]) => {
    const text = key === 'Enter' ? '\r' : undefined;
    await page.command('Input.dispatchKeyEvent', { type: text ? 'keyDown' : 'rawKeyDown', key, code, windowsVirtualKeyCode, text });
    await page.command('Input.dispatchKeyEvent', { type: 'keyUp', key, code, windowsVirtualKeyCode });
  };
  // A real click in the middle of what @source finds.
  page.click = async (source) => {
    const at = await page.eval(`(() => { const e = ${source}; if (!e) return null; e.scrollIntoView({block: 'nearest'});
      const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2, r.width, r.height]; })()`);
    if (!at || at[2] === 0) throw new Error(`nothing to click: ${source}`);
    for (const type of ['mousePressed', 'mouseReleased']) {
      await page.command('Input.dispatchMouseEvent', { type, x: at[0], y: at[1], button: 'left', clickCount: 1 });
    }
    return at;
  };
  page.tree = async () => (await page.command('Accessibility.getFullAXTree')).nodes.filter((n) => !n.ignored)
    .map((n) => ({ role: n.role?.value, name: n.name?.value ?? '' }));
  page.close = async () => {
    await command('Browser.close').catch(() => {});
    await new Promise((done) => (child.exitCode === null ? child.on('exit', done) : done()));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return page;
}
