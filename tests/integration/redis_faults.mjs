#!/usr/bin/env node
// Hard weather for Redis, under load: its disk full, its memory full, stalled, its scripts flushed, its master gone, its
// slots moved. Each time the three ledgers agree afterwards: 0 lost. Longer ones: redis_faults_long.mjs
import {execFileSync} from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import {assert, run, sleep, until} from './lib.mjs'
import {cluster, moveSlot, sentinels} from './redis.mjs'
import {one, weather} from './weather.mjs'

weather('scripts flushed every 100 ms', {
  before: one,
  during: async ({redis}) => {
    for (let i = 0; i < 40; i++) {
      await redis.ask('SCRIPT', 'FLUSH')
      await sleep(100)
    }
  },
  after: (w, plant, load, {repeats, ambiguous}) => assert.equal(load.refused + load.broken + repeats + ambiguous, 0, 'nobody noticed'),
})

weather('Redis stands still for 3 s', {
  before: one,
  during: async ({redis}) => {
    redis.child.kill('SIGSTOP')
    await sleep(3000)
    redis.child.kill('SIGCONT')
  },
})

weather('memory full for 3 s', {
  before: one,
  during: async ({redis}, plant, load) => {
    const used = Number((await redis.ask('INFO', 'memory')).match(/used_memory:(\d+)/)[1])
    await redis.ask('CONFIG', 'SET', 'maxmemory', used)
    await sleep(3000)
    await until('something to be refused for it', () => load.refused > 0 && /store-full|full/.test(load.lastRefusal.text))
    await redis.ask('CONFIG', 'SET', 'maxmemory', 0)
  },
})

// A file system of its own where we may; else a limit on the size of its files, which ends it as well.
function smallDisk() {
  const dir = fs.mkdtempSync('/tmp/crewline-it-disk-')
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'none', dir], {stdio: 'ignore'})
  } catch {
    return {dir, fill: pid => execFileSync('prlimit', ['--pid', String(pid), '--fsize=4096']), empty: () => {}, done: () => fs.rmSync(dir, {recursive: true})}
  }
  const full = path.join(dir, 'full')
  return {dir,
    fill: () => {
      const fd = fs.openSync(full, 'w')
      try { for (;;) fs.writeSync(fd, Buffer.alloc(1 << 16)) } catch (e) { assert.equal(e.code, 'ENOSPC') }
      fs.closeSync(fd)
    },
    empty: () => fs.rmSync(full),
    done: () => { execFileSync('umount', ['-l', dir]); fs.rmdirSync(dir) }}
}

weather('disk full for 4 s, with the private Redis', {
  before: async () => {
    const disk = smallDisk()
    return {...disk, options: {env: {CREWLINE_DATA_DIR: path.join(disk.dir, 'data')}}}
  },
  during: async ({fill, empty, dir}, plant, load) => {
    const redis = fs.readdirSync('/proc').find(p => /^\d+$/.test(p) && read(`/proc/${p}/cmdline`).includes('redis-server') &&
      link(`/proc/${p}/cwd`).startsWith(dir))
    assert.ok(redis, 'the private Redis runs there')
    const refused = load.refused
    fill(redis)
    await until('a refusal', () => load.refused + load.broken > refused, 8000)
    await sleep(4000)
    empty()
    await plant.ready(30000)
  },
})
const read = f => { try { return fs.readFileSync(f, 'utf8') } catch { return '' } }
const link = f => { try { return fs.readlinkSync(f) } catch { return '' } }

// While a failover is ordered the old master goes on for a while, with those replicas that were not chosen: only what all
// of them have is safe.
weather('Sentinels choose another master, and it dies too', {
  before: async () => {
    const group = await sentinels(2)
    return {...group, options: {durability: {replicas: 2}}}
  },
  during: async ({watch, master}) => {
    const first = await master()
    await until('a failover', () => watch[0].try('SENTINEL', 'FAILOVER', 'mine') === 'OK')
    await until('another master', async () => await master() !== first, 60000)
    await sleep(2500)
    const second = await master()
    await second.kill()
    await until('a third one', async () => await master() !== second, 60000)
    await second.again()
    await sleep(2500)
    return 'a master replaced, the next one killed'
  },
})

weather('a cluster whose slots go round', {
  before: () => cluster(3),
  during: async world => {
    const slot = Number(await world.slotOf('acme'))
    let at = world.owner(slot), longest = 0
    for (let i = 0; i < 6; i++) {
      const to = (at + 1) % 3, began = Date.now()
      await moveSlot(slot, world.all[at], world.all[to])
      longest = Math.max(longest, Date.now() - began)
      at = to
      await sleep(400)
    }
    world.other = world.all[(at + 1) % 3]
    return `the tenant's slot moved 6 times, ${longest} ms at most`
  },
  after: async (world, plant, load, {repeats, ambiguous}) => {
    assert.equal(load.refused + load.broken + repeats + ambiguous, 0, 'nobody noticed')
    await world.other.kill()
    await until('the missing master to be told', async () => (await plant.api('GET', '/readyz')).json.checks.redis.status === 'degraded')
    const r = await plant.api('POST', '/api/v1/messages', {to: {user: 'u1'}, kind: 'text', text: 'all the same'})
    assert.equal(r.status, 202, r.text)
    await until('all the same', async () => (await plant.messages()).some(m => m.text === 'all the same'))
  },
})

await run()
