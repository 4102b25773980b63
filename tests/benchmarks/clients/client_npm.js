// npm binance: an EventEmitter gives plain objects with strings, or beautified ones with floats.
const fs = require('fs');
const path = require('path');

const plan = JSON.parse(process.argv[2]);
const { WebsocketAPIClient, WS_KEY_MAP } = require(path.join(plan.modules, 'binance'));

const PATIENCE_MS = 4000;
const silent = { trace() {}, info() {}, error(...what) { console.error(...what); } };

function say(facts) {
  fs.writeSync(1, JSON.stringify(facts) + '\n');
}

function reading() {
  const usage = process.cpuUsage();
  return {
    cpu: (usage.user + usage.system) / 1e6,
    at: Number(process.hrtime.bigint()),
    rss_kb: Math.round(process.memoryUsage.rss() / 1024),
    peak_kb: process.resourceUsage().maxRSS,
  };
}

function middle(inOrder) {
  return inOrder[inOrder.length >> 1];
}

class Meter {
  constructor(stampOf) {
    this.stages = plan.stages.slice();
    this.pause = plan.pause || 0;
    this.stampOf = stampOf;
    this.count = 0;
    this.base = 0;
    this.latencies = [];
    this.done = false;
    this.nextStage();
  }

  connected() {
    say({ connected: true, ...reading() });
    let seen = 0;
    let since = Date.now();
    setInterval(() => {
      if (this.count !== seen) {
        seen = this.count;
        since = Date.now();
        this.progress = reading();
      } else if (this.progress && Date.now() - since > PATIENCE_MS + 1000 * (plan.pause || 0)) {
        this.endStage({ ...this.progress, stalled: true });
      }
    }, 250);
  }

  see(event) {
    if (plan.latency) {
      this.latencies.push(Number(process.hrtime.bigint() - BigInt(this.stampOf(event).slice(0, 19))));
    }
    this.count += 1;
    if (this.count >= this.turnAt && !this.done) this.turned();
  }

  turned() {
    if (this.pause && this.name !== 'warm' && this.count === this.base + 1) {
      const milliseconds = this.pause * 1000;
      this.pause = 0;
      this.turnAt = this.end;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    } else if (this.count >= this.end) {
      this.endStage(reading());
    }
  }

  endStage(taken) {
    const facts = { stage: this.name, count: this.count - this.base, shed: 0 };
    if (this.latencies.length) {
      const inOrder = this.latencies.sort((one, other) => one - other);
      facts.p50_ns = middle(inOrder);
      facts.p99_ns = inOrder[Math.floor(inOrder.length * 0.99)];
      this.latencies = [];
    }
    this.base = this.count;
    this.nextStage();
    say({ ...taken, ...facts, done: this.done });
    if (this.done) process.exit(0);
  }

  nextStage() {
    this.progress = null;
    const stage = this.stages.shift();
    if (!stage) {
      this.done = true;
      return;
    }
    this.name = stage[0];
    this.end = this.base + stage[1];
    this.turnAt = this.pause && this.name !== 'warm' ? this.base + 1 : this.end;
  }
}

async function measureRequests(call) {
  say({ connected: true, ...reading() });
  for (let number = 0; number < plan.warm; number++) await call();
  const taken = [];
  let before = reading();
  for (let number = 0; number < plan.count; number++) {
    const begin = process.hrtime.bigint();
    await call();
    taken.push(Number(process.hrtime.bigint() - begin));
  }
  let after = reading();
  taken.sort((one, other) => one - other);
  say({
    stage: 'one',
    p50_ns: middle(taken),
    p99_ns: taken[Math.floor(taken.length * 0.99)],
    cpu_each: (after.cpu - before.cpu) / taken.length,
  });
  const each = Math.floor(plan.many / plan.flights);
  const flight = async () => {
    for (let number = 0; number < each; number++) await call();
  };
  const all = () => Promise.all(Array.from({ length: plan.flights }, flight));
  await all(); // once to warm up
  before = reading();
  await all();
  after = reading();
  const total = each * plan.flights;
  say({
    stage: 'many',
    rate: total / ((after.at - before.at) / 1e9),
    cpu_each: (after.cpu - before.cpu) / total,
    done: true,
  });
  process.exit(0);
}

async function connect() {
  const client = new WebsocketAPIClient(
    {
      api_key: plan.api_key,
      api_secret: plan.key === 'ed25519' ? fs.readFileSync(plan.pem, 'utf8') : plan.secret,
      wsUrl: plan.url,
      beautify: plan.variant === 'beautified',
      attachEventListeners: false,
    },
    silent,
  );
  client.getWSClient().on('exception', (problem) => console.error(problem));
  await client.subscribeUserDataStream(WS_KEY_MAP.mainWSAPI);
  return client;
}

async function main() {
  const client = await connect();
  if (plan.case === 'requests') {
    await measureRequests(() =>
      client.submitNewSpotOrder({
        symbol: 'BTCUSDT',
        side: 'SELL',
        type: 'LIMIT',
        timeInForce: 'GTC',
        price: '23416.10000000',
        quantity: '0.00847000',
        timestamp: Date.now(),
      }),
    );
    return;
  }
  if (plan.case === 'accounts') {
    say({ connected: true, ...reading() });
    const kept = [];
    for (let number = 0; number < plan.accounts; number++) kept.push(await connect());
    say({ stage: 'accounts', done: true, accounts: kept.length, ...reading() });
    process.exit(0);
  }
  const meter =
    plan.variant === 'beautified'
      ? new Meter((event) => event.newClientOrderId)
      : new Meter((event) => event.c);
  if (plan.variant === 'beautified') {
    client.getWSClient().on('formattedUserDataMessage', (event) => meter.see(event));
  } else {
    client.getWSClient().on('message', (event) => {
      if (event.e === 'executionReport') meter.see(event);
    });
  }
  meter.connected();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
