// Redis servers for the integration tests: one, a master with replicas and Sentinels, a cluster. On free ports of
// 127.0.0.1, in temporary folders, with the policy that the gateway asks for; dead when the test is.
import {spawn, spawnSync} from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {assert, freePort, sleep, until} from './lib.mjs'

const servers = new Set()

export class Redis {
  // memory: its file is no disk's to hold up
  constructor({conf = [], sentinel = false, memory = sentinel} = {}) { Object.assign(this, {conf, sentinel, memory}) }

  async start() {
    servers.add(this)
    // A Sentinel that stands for 2 s while it writes its state down does nothing for 30 s more (TILT): no busy disk for it.
    const folder = this.memory && fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()
    this.dir = fs.mkdtempSync(path.join(folder, 'crewline-it-redis-'))
    this.port = await freePort()
    const policy = this.sentinel ? [] : ['appendonly yes', 'appendfsync always', 'maxmemory-policy noeviction', 'save ""']
    fs.writeFileSync(path.join(this.dir, 'redis.conf'), [`port ${this.port}`, 'bind 127.0.0.1', `dir ${this.dir}`,
      `logfile ${this.dir}/redis.log`, 'daemonize no', ...policy, ...this.conf, ''].join('\n'))
    await this.again()
    return this
  }

  // The same once more, with its data.
  async again() {
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', 'redis-server', path.join(this.dir, 'redis.conf'),
      ...(this.sentinel ? ['--sentinel'] : [])], {stdio: 'ignore'})
    this.exited = new Promise(done => this.child.on('exit', done))
    await until(() => `redis at ${this.port}: ${fs.readFileSync(path.join(this.dir, 'redis.log'), 'utf8').slice(-300)}`,
      () => this.try('PING') === 'PONG')
  }

  get url() { return `redis://127.0.0.1:${this.port}` }

  // What it answers, an error as "ERR …"; undefined when it does not.
  try(...args) {
    const r = spawnSync('redis-cli', ['-p', String(this.port), ...args.map(String)], {encoding: 'utf8', timeout: 5000})
    return r.status === 0 ? r.stdout.trim() : undefined
  }

  // The same, without errors and without holding us up.
  async ask(...args) {
    const child = spawn('redis-cli', ['-e', '-p', String(this.port), ...args.map(String)], {stdio: ['ignore', 'pipe', 'pipe']})
    let out = '', err = ''
    child.stdout.on('data', d => { out += d })
    child.stderr.on('data', d => { err += d })
    const code = await new Promise(done => child.on('close', done))
    assert.equal(code, 0, `${args.join(' ')}: ${out}${err}`)
    return out.trim()
  }

  async kill(signal = 'SIGKILL') {
    this.child.kill(signal)
    await this.exited
  }

  async free() {
    servers.delete(this)
    if (this.child?.exitCode === null && this.child.signalCode === null) await this.kill()
    fs.rmSync(this.dir, {recursive: true, force: true})
  }
}

export async function freeAll() {
  for (const s of [...servers]) await s.free()
}

// A master, its replicas, and Sentinels that watch it under the name "mine". The last looks longer until it takes the
// master for dead: should all do so at once, each votes for itself and nobody is elected until they try again.
export async function sentinels(replicas = 1) {
  const conf = ['repl-diskless-sync-delay 0', 'repl-ping-replica-period 1']
  const all = [await new Redis({conf}).start()]
  for (let i = 0; i < replicas; i++) all.push(await new Redis({conf: [...conf, `replicaof 127.0.0.1 ${all[0].port}`]}).start())
  for (const r of all.slice(1)) await until('a replica in step', () => r.try('INFO', 'replication')?.includes('master_link_status:up'))
  const watch = []
  for (let i = 0; i < 3; i++) {
    watch.push(await new Redis({sentinel: true, conf: [`sentinel monitor mine 127.0.0.1 ${all[0].port} 2`,
      `sentinel down-after-milliseconds mine ${i === 2 ? 2500 : 500}`, 'sentinel failover-timeout mine 4000']}).start())
  }
  for (const w of watch) {
    await until('Sentinels that know each other', () => w.try('INFO', 'sentinel')?.includes(`slaves=${replicas},sentinels=3`), 20000)
  }
  return {all, watch, url: `redis+sentinel://${watch.map(w => `127.0.0.1:${w.port}`).join(',')}/mine/0`,
    master: async () => {
      const [, port] = (await watch[0].ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mine')).split('\n')
      return all.find(r => r.port === Number(port))
    }}
}

// Masters of a cluster, each with as many of the slots.
export async function cluster(masters = 3) {
  const all = []
  for (let i = 0; i < masters; i++) {
    const bus = await freePort()
    const r = await new Redis({conf: ['cluster-enabled yes', `cluster-port ${bus}`, 'cluster-node-timeout 1000',
      'cluster-require-full-coverage no']}).start()
    await r.ask('CLUSTER', 'ADDSLOTSRANGE', Math.floor(i * 16384 / masters), Math.floor((i + 1) * 16384 / masters) - 1)
    await r.ask('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
    r.id = await r.ask('CLUSTER', 'MYID')
    r.bus = bus
    all.push(r)
  }
  for (const r of all.slice(1)) await r.ask('CLUSTER', 'MEET', '127.0.0.1', all[0].port, all[0].bus)
  for (const r of all) {
    await until('the cluster', () => {
      const info = r.try('CLUSTER', 'INFO')
      return info?.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${masters}`) &&
        info.includes('cluster_slots_assigned:16384') // without full coverage it is ok before it knows whose they are
    }, 20000)
  }
  return {all, url: `redis+cluster://${all.map(r => `127.0.0.1:${r.port}`).join(',')}`, slotOf: tenant => all[0].ask('CLUSTER', 'KEYSLOT', `{${tenant}}:`),
    owner: slot => Math.floor(slot * masters / 16384)}
}

// As an operator moves a slot: the hand-over begins, its keys go, it ends.
export async function moveSlot(slot, from, to) {
  await to.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id)
  await from.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id)
  for (;;) {
    const keys = (await from.ask('CLUSTER', 'GETKEYSINSLOT', slot, 1000)).split('\n').filter(k => k !== '')
    if (keys.length === 0) break
    await from.ask('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys)
    await sleep(5)
  }
  await to.ask('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
  await from.ask('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
}
