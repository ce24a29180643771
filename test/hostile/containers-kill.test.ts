import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createSandbox,
  importBase,
  type Ran,
  randomOf,
  type Sandbox,
  until,
} from '../support/built-command.ts';
import { mountsAnywhere, payload, payloads, storeFiles } from '../support/killed-containers.ts';
import { shareOf } from '../support/shares.ts';
import { readableBuild, testUser } from '../support/test-user.ts';

const SEED = Number(process.env.DOBOS_SEED ?? Date.now() % 1e9);
/** Stores at once, each with its own rounds. */
const LANES = 4;
/** For what comes as soon as the machine has time for it, in milliseconds. */
const PATIENCE_MS = 120_000;

type Target = 'command' | 'supervisor' | 'keeper' | 'runtime';

interface Scene {
  readonly name: string;
  /** Whether there is a container that runs before. */
  readonly on: boolean;
  readonly targets: readonly Target[];
  readonly args: (box: Sandbox) => readonly string[];
}

const ALL: readonly Target[] = ['command', 'supervisor', 'keeper', 'runtime'];
const SCENES: readonly Scene[] = [
  { name: 'run -d', on: false, targets: ALL, args: (box) => ['run', '-d', '--name', 'box', ...payload(box)] },
  {
    name: 'exec',
    on: true,
    targets: ALL,
    args: () => ['exec', 'box', 'sh', '-c', 'echo x > /x; sleep 0.2'],
  },
  {
    name: 'run',
    on: false,
    targets: ['command', 'keeper', 'runtime'],
    args: (box) => [
      ...['run', '--name', 'box', '-e', `SANDBOX=${box.folder}`, 'base:1'],
      'sh',
      '-c',
      'sleep 0.3',
    ],
  },
  { name: 'stop', on: true, targets: ALL, args: () => ['stop', 'box'] },
  {
    name: 'run --rm',
    on: false,
    targets: ['command', 'keeper', 'runtime'],
    args: (box) => [
      'run',
      '--rm',
      '--name',
      'box',
      '-e',
      `SANDBOX=${box.folder}`,
      'base:1',
      'sh',
      '-c',
      'sleep 0.3',
    ],
  },
  { name: 'rm -f', on: true, targets: ALL, args: () => ['rm', '-f', 'box'] },
];

/** How a process of the sandbox is recognised by its command line. */
const LOOKS: Readonly<Record<Exclude<Target, 'command'>, RegExp>> = {
  supervisor: /^\d+ \S*node\S* \S*supervisor-worker/,
  keeper: /^\d+ \S*node\S* \S*keeper-worker/,
  runtime: /^\d+ \S*(?:runc|crun) /,
};

function targetsOf(box: Sandbox, target: Exclude<Target, 'command'>): readonly number[] {
  return box
    .processes()
    .filter((line) => LOOKS[target].test(line))
    .map((line) => Number.parseInt(line, 10));
}

/** Runs the command and kills the target at the moment, or as soon after it as there is one; whether something was killed. */
async function killAt(
  box: Sandbox,
  scene: Scene,
  { target, moment, pick }: { readonly target: Target; readonly moment: number; readonly pick: number },
): Promise<{ readonly ran: Ran; readonly killed: boolean }> {
  const { child, ended } = box.start(scene.args(box));
  let over = false;
  void ended.then(() => {
    over = true;
  });
  await new Promise((resume) => setTimeout(resume, moment));
  let killed = false;
  const kill = (): boolean => {
    if (over) return true;
    const found = target === 'command' ? [child.pid!] : targetsOf(box, target);
    const pid = found[Math.floor(pick * found.length)];
    if (pid === undefined) return false;
    try {
      process.kill(pid, 'SIGKILL');
      killed = true;
    } catch {
      // It ended a moment ago; there may be another.
      return false;
    }
    return true;
  };
  await until(kill, PATIENCE_MS);
  return { ran: await ended, killed };
}

/** As root a container's command, or its supervisor, is its own keeper. */
const targetsIn = ({ targets }: Scene, isRoot: boolean): readonly Target[] =>
  isRoot ? targets.filter((each) => each !== 'keeper') : targets;

describe.each([
  ['crun', 'root', 30],
  ['runc', 'root', 20],
  ['crun', 'an ordinary user', 12],
] as const)('containers over %s by %s', (runtime, who, rounds) => {
  let build: string | undefined;
  const boxes: Sandbox[] = [];
  beforeAll(async () => {
    if (who !== 'root') build = readableBuild();
    const as = build === undefined ? {} : { build, user: testUser() };
    for (let lane = 0; lane < LANES; lane++) {
      boxes.push(createSandbox({ ...as, env: { DOBOS_RUNTIME: runtime } }));
    }
    await Promise.all(boxes.map(importBase));
  });
  afterAll(async () => {
    for (const box of boxes) await box.remove();
    if (build !== undefined) rmSync(build, { recursive: true, force: true });
  });

  it(`killed ${rounds} times at random moments leave nothing, and ps tells the truth (DOBOS_SEED=${SEED})`, {
    timeout: 600_000,
  }, async () => {
    const { first, end, seed } = shareOf(rounds, SEED);
    let next = first;
    await Promise.all(
      boxes.map(async (box, lane) => {
        const random = randomOf(seed + 7919 * lane);
        await must(box, ['create', '--name', 'box', 'base:1'], 'at first');
        await must(box, ['rm', 'box'], 'at first');
        await works(box, 'at first');
        const clean = storeFiles(box);
        while (next < end) await round(box, clean, next++, random);
      }),
    );
    expect(next).toBe(end);
  });

  /** One kill that came in time; the moments before that did not are drawn again. */
  async function round(
    box: Sandbox,
    clean: readonly string[],
    at: number,
    random: () => number,
  ): Promise<void> {
    const scene = SCENES[at % SCENES.length]!;
    const targets = targetsIn(scene, who === 'root');
    const target = targets[Math.floor(at / SCENES.length) % targets.length]!;
    let longest = 1000;
    for (let tries = 0; ; tries++) {
      const moment = random() * longest;
      const where = `kill ${at}: ${target} in ${scene.name} after ${moment.toFixed(0)} ms, seed ${SEED}`;
      if (scene.on) await must(box, ['run', '-d', '--name', 'box', ...payload(box)], where);
      const { ran, killed } = await killAt(box, scene, { target, moment, pick: random() });
      await expectTruth(box, where);
      if (killed && target === 'command' && scene.name === 'exec') {
        expect(await status(box), `${where}: the container goes on`).toMatch(/^Up /);
      }
      await box.run(['rm', '-f', 'box']);
      await expectNothingLeft(box, where);
      await works(box, where);
      expect(storeFiles(box), where).toEqual(clean);
      if (killed) return;
      expect(tries, `${where}: kills that came in time`).toBeLessThan(20);
      longest = Math.min(longest, ran.ms);
    }
  }
});

const status = async (box: Sandbox): Promise<string> =>
  (await box.run(['ps', '-a', '--format', '{{.Status}}'])).stdout.trim();

/** What `ps -a` says comes to be what is the case: Up means that the program runs. */
async function expectTruth(box: Sandbox, where: string): Promise<void> {
  const began = performance.now();
  for (;;) {
    const listed = await box.run(['ps', '-a', '--format', '{{.Names}} {{.Status}}']);
    expect(listed, where).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout, where).toMatch(/^$|^box (?:Created|Up .*|Exited \(\d+\).*|Removal In Progress)\n$/);
    const up = /^box Up/.test(listed.stdout);
    const runs = payloads(box).length;
    // While others of it live it may be on its way to either.
    if (up ? runs === 1 : box.processes().length === 0) return;
    if (performance.now() - began > PATIENCE_MS) {
      expect.fail(
        `${where}: ps says ${JSON.stringify(listed.stdout)}, there are\n${box.processes().join('\n')}`,
      );
    }
  }
}

async function expectNothingLeft(box: Sandbox, where: string): Promise<void> {
  await until(() => box.processes().length === 0, PATIENCE_MS);
  expect(box.processes(), `${where}: processes`).toEqual([]);
  expect(mountsAnywhere(box), `${where}: mounts`).toEqual([]);
}

/** The next run with the store, and then the store itself. */
async function works(box: Sandbox, where: string): Promise<void> {
  expect(await must(box, ['run', '--rm', 'base:1', 'echo', 'works'], where)).toBe('works\n');
  expect(await must(box, ['system', 'check'], where)).toMatch(/^The store is whole: \d+ blobs checked\n$/);
}

async function must(box: Sandbox, args: readonly string[], where: string): Promise<string> {
  const { code, stdout, stderr } = await box.run(args);
  expect([code, stderr], `${where}: ${args.join(' ')}: ${stdout}`).toEqual([0, '']);
  return stdout;
}
