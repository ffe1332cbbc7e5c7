#!/usr/bin/env node
// One tenant has a backlog, the other sends ten messages: its own do not wait for those of the first. The backlog
// is 4,000 here; fairness_long.mjs has 100,000.
import {run, test} from './lib.mjs'
import {besideBacklog} from './several.mjs'

test('4,000 queued by one tenant: ten of another are out within 2 s', () => besideBacklog(4000))
await run()
