import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createSandbox,
  importBase,
  machineTraces,
  type Ran,
  randomOf,
  type Sandbox,
  type SandboxUser,
  until,
} from '../support/built-command.ts';
import { shareOf } from '../support/shares.ts';
import { readableBuild, testUser } from '../support/test-user.ts';

/** Two stages side by side, files from the context, files from a stage; nothing in it writes a time. */
const DOCKERFILE = `FROM base:1 AS left
COPY files/ /files/
RUN cat /files/* | md5sum > /sum && echo left
RUN sleep 0.2; mkdir /made; for i in 1 2 3 4 5 6 7 8 9; do head -c 100000 /dev/zero > /made/$i; done

FROM base:1 AS right
WORKDIR /work
RUN dd if=/dev/zero of=big bs=1M count=8 2>/dev/null; echo right
RUN (sleep 60; echo late > late) & mkdir -p a/b/c; ln -s b a/link; rm big; sleep 0.3

FROM base:1
COPY --from=left /made /made
COPY --from=right /work /work
RUN sleep 0.1; rm /made/3; ls -R /made /work > /list
COPY files/f1 files/f2 /copied/
ENV DONE=yes
`;

const SEED = Number(process.env.DOBOS_SEED ?? Date.now() % 1e9);
let build: string;
beforeAll(() => {
  build = readableBuild();
});
afterAll(async () => {
  const { rm } = await import('node:fs/promises');
  await rm(build, { recursive: true, force: true });
});

/** A sandbox with a base image and a context, and what an undisturbed build of it comes to. */
async function prepare(runtime: string, user?: SandboxUser) {
  const options = { build, env: { DOBOS_RUNTIME: runtime }, ...(user === undefined ? {} : { user }) };
  const sandbox = createSandbox(options);
  const context = join(sandbox.folder, 'context');
  mkdirSync(join(context, 'files'), { recursive: true });
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
  for (let at = 0; at < 300; at++) writeFileSync(join(context, 'files', `f${at}`), `${at}\n`.repeat(500));
  await importBase(sandbox);
  const fresh = join(sandbox.folder, 'fresh');
  cpSync(sandbox.store, fresh, { recursive: true, preserveTimestamps: true });
  const whole = await buildIn(sandbox);
  expect(whole).toMatchObject({ code: 0 });
  const again = await buildIn(sandbox, ['--no-cache']);
  expect(again.stdout, 'the same build twice').toBe(whole.stdout);
  let round = 0;
  return {
    sandbox,
    id: whole.stdout.trim(),
    ms: Math.min(whole.ms, again.ms),
    /** A sandbox whose store holds the base only. */
    next(): Sandbox {
      const folder = join(sandbox.folder, `r${round++}`);
      const other = createSandbox({ ...options, folder });
      cpSync(fresh, other.store, { recursive: true, preserveTimestamps: true });
      cpSync(context, join(folder, 'context'), { recursive: true, preserveTimestamps: true });
      if (user !== undefined) giveTo(folder, user);
      return other;
    },
  };
}

const buildArgs = (sandbox: Sandbox): string[] => [
  'build',
  '-q',
  '-t',
  'app',
  join(sandbox.folder, 'context'),
];
const buildIn = (sandbox: Sandbox, more: readonly string[] = []): Promise<Ran> =>
  sandbox.run([...buildArgs(sandbox), ...more]);

function giveTo(folder: string, user: SandboxUser): void {
  execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
}

/** Everything that a command must leave as it was, read when no process of the sandbox lives. */
async function expectNothingLeft(sandbox: Sandbox, where: string): Promise<void> {
  await until(() => sandbox.processes().length === 0);
  expect(sandbox.processes(), `${where}: processes`).toEqual([]);
  expect(machineTraces(sandbox), where).toEqual({ mounts: [], cgroups: [], states: [] });
}

/** The next build works, gives the same image, and leaves a store that is whole with nothing half-made in it. */
async function expectWorks(sandbox: Sandbox, id: string, where: string): Promise<void> {
  const built = await buildIn(sandbox);
  expect(built, where).toMatchObject({ code: 0, stderr: '', stdout: `${id}\n` });
  const checked = await sandbox.run(['system', 'check']);
  expect([checked.code, checked.stderr, checked.stdout], where).toEqual([
    0,
    '',
    expect.stringMatching(/^The store is whole: \d+ blobs checked\n$/),
  ]);
  expect(leftIn(sandbox.store), where).toEqual([]);
}

/** Unfinished files, leases, and rooms of roots in a store. */
function leftIn(store: string): string[] {
  const left = ['tmp', 'leases'].flatMap((part) => names(join(store, part)).map((name) => `${part}/${name}`));
  const sessions = join(store, 'snapshots', 'sessions');
  return [
    ...left,
    ...names(sessions)
      .flatMap((name) => names(join(sessions, name)).map((file) => `${name}/${file}`))
      .filter((file) => !file.endsWith('/lock')),
  ];
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
  } catch {
    return undefined;
  }
}

/** The keeper's own process, below the command's; undefined while there is none. */
function keeperOf(sandbox: Sandbox): number | undefined {
  const pids = sandbox
    .processes()
    .filter((line) => /node\S* \S*keeper-worker/.test(line) && !/unshare/.test(line));
  return pids.map((line) => Number(line.split(' ', 1)[0])).find((pid) => parentOf(pid) !== undefined);
}

/** One error: what happened, the line that was running, what to do. */
const KEEPER_KILLED =
  /^dobos: the process that runs containers ended early: it was killed\nDockerfile:\d+\n(?:[ \d]+\| .*\n|[ \d]+\|\n)+hint: .*\n$/;

/** The same where the step's own runtime is gone, or what it was about to become: as root the command is its own keeper. */
const RUNTIME_KILLED =
  /^dobos: (?:(?:runc|crun) failed: .+|process .+ exit code: 137)\nDockerfile:\d+\n(?:[ \d]+\| .*\n|[ \d]+\|\n)+(?:hint: .*\n)?$/;

/** The runtime of a step that runs; undefined while there is none. */
function runtimeOf(sandbox: Sandbox): number | undefined {
  const line = sandbox.processes().find((each) => /^\d+ \S*(?:runc|crun) .* run /.test(each));
  return line === undefined ? undefined : Number.parseInt(line, 10);
}

type Target = 'command' | 'group' | 'keeper' | 'runtime';

describe.each([
  ['runc', 'root', 30],
  ['crun', 'root', 10],
  ['chroot', 'root', 6],
  ['runc', 'an ordinary user', 6],
  ['chroot', 'an ordinary user', 6],
] as const)('a build with %s as %s', (runtime, who, rounds) => {
  it('killed at random moments leaves nothing, and the next one makes the same image', {
    timeout: 600_000,
  }, async () => {
    console.log(`kill -9 of builds with ${runtime} as ${who}: DOBOS_SEED=${SEED}`);
    const third = who === 'root' && runtime !== 'chroot' ? 'runtime' : 'keeper';
    const targets = ['command', 'group', third] as const;
    const { first, end, seed } = shareOf(rounds, SEED);
    const random = randomOf(seed);
    const prepared = await prepare(runtime, who === 'root' ? undefined : testUser());
    try {
      let longest = prepared.ms;
      for (let round = first, tries = 0; round < end; tries++) {
        expect(tries, 'kills that came in time').toBeLessThan(5 * rounds);
        const target = targets[round % 3]!;
        const moment = random() * longest;
        const where = `kill ${round}: ${target} after ${moment.toFixed(0)} ms of ${longest.toFixed(0)}, seed ${SEED}`;
        const sandbox = prepared.next();
        const ran = await killAt(sandbox, target, moment);
        if (ran.code === 0) {
          // Too late, or nothing needed that keeper any more: the moment is drawn again.
          longest = Math.min(longest, ran.ms);
        } else {
          round++;
          if (target === 'keeper' || target === 'runtime') {
            expect(ran, where).toMatchObject({ code: 1, signal: null });
            expect(ran.stderr, where).toMatch(target === 'keeper' ? KEEPER_KILLED : RUNTIME_KILLED);
          } else expect(ran, where).toMatchObject({ signal: 'SIGKILL', code: null });
        }
        await expectNothingLeft(sandbox, where);
        await expectWorks(sandbox, prepared.id, where);
        await expectNothingLeft(sandbox, `${where}, after the next build`);
        await sandbox.remove();
      }
    } finally {
      await prepared.sandbox.remove();
    }
  });
});

async function killAt(sandbox: Sandbox, target: Target, moment: number): Promise<Ran> {
  const { child, ended } = sandbox.start(buildArgs(sandbox), { group: true });
  let over = false;
  void ended.then(() => {
    over = true;
  });
  await new Promise((resume) => setTimeout(resume, moment));
  if (target === 'keeper' || target === 'runtime') {
    const find = target === 'keeper' ? keeperOf : runtimeOf;
    await until(() => over || find(sandbox) !== undefined);
    const found = find(sandbox);
    if (found !== undefined) signal(found, 'SIGKILL');
  } else if (!over) signal(target === 'group' ? -child.pid! : child.pid!, 'SIGKILL');
  return ended;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended a moment ago.
  }
}

/** Bound on the end after an interruption, in milliseconds. */
const INTERRUPT_MS = 2000;
/** A machine that does other things too may be late; not each of these times. */
const TRIES = 5;

/** Fails when it takes too long, in milliseconds, each time. */
async function expectSoon(interrupt: () => Promise<number>): Promise<void> {
  const took: number[] = [];
  do took.push(await interrupt());
  while (took.at(-1)! >= INTERRUPT_MS && took.length < TRIES);
  expect(Math.min(...took)).toBeLessThan(INTERRUPT_MS);
}

/** Programs that a Ctrl-C does not end by itself. */
const STUBBORN = `FROM base:1
RUN echo before
RUN trap '' INT TERM HUP; echo ready; while :; do sleep 0.1; done
`;

describe.each(['runc', 'crun', 'chroot'])('an interrupted build with %s', (runtime) => {
  let sandbox: Sandbox;
  let args: string[];
  beforeAll(async () => {
    sandbox = createSandbox({ env: { DOBOS_RUNTIME: runtime } });
    const context = join(sandbox.folder, 'context');
    mkdirSync(context);
    writeFileSync(join(context, 'Dockerfile'), STUBBORN);
    await importBase(sandbox);
    args = ['build', '--progress=plain', '-t', 'app', context];
  });
  afterAll(() => sandbox.remove());

  it.each([
    ['SIGINT', 'command', 130],
    ['SIGTERM', 'command', 143],
    ['SIGINT', 'group', 130],
    ['SIGTERM', 'group', 143],
  ] as const)('by %s to the %s says so in one line and leaves nothing', async (name, target, code) => {
    await expectSoon(async () => {
      const { child, ended } = sandbox.start(args, { group: true });
      await said(child, /^#\d+ \S+ ready$/m);
      const at = performance.now();
      signal(target === 'group' ? -child.pid! : child.pid!, name);
      const ran = await ended;
      const took = performance.now() - at;
      expect(ran).toMatchObject({ code, signal: null, stdout: '' });
      expect(ran.stderr.split('\n').slice(-2)).toEqual(['dobos: interrupted', '']);
      expect(ran.stderr.match(/dobos:|hint:|warning|Error/g)).toEqual(['dobos:']);
      await expectWhole(name);
      return took;
    });
  });

  it('by Ctrl-C at a terminal says so in one line and gives the terminal back', async () => {
    const words = [
      '-q',
      '-e',
      '-c',
      [process.execPath, join(process.cwd(), 'dist/dobos.cjs'), ...args].join(' '),
      '/dev/null',
    ];
    await expectSoon(async () => {
      // A terminal of its own, whose Ctrl-C goes to the whole foreground group as a person's does.
      const child = spawn('script', words, {
        env: { ...sandbox.env, TERM: 'xterm' },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const ended = once(child, 'close');
      let text = '';
      child.stdout.on('data', (bytes: Buffer) => {
        text += bytes;
      });
      expect(await until(() => /ready\r$/m.test(text)), text).toBe(true);
      const at = performance.now();
      child.stdin.write('\x03');
      const [code] = await ended;
      const took = performance.now() - at;
      expect(code).toBe(130);
      expect(text.match(/interrupted/g)).toEqual(['interrupted']);
      await expectWhole('Ctrl-C');
      return took;
    });
  });

  async function expectWhole(where: string): Promise<void> {
    await expectNothingLeft(sandbox, where);
    expect((await sandbox.run(['images', '-q'])).stdout, where).toMatch(/^[0-9a-f]{12}\n$/);
    const checked = await sandbox.run(['system', 'check']);
    expect([checked.code, checked.stdout], where).toEqual([0, expect.stringMatching(/^The store is whole/)]);
    expect(leftIn(sandbox.store), where).toEqual([]);
  }
});

/** When standard error of the command has shown this. */
async function said(child: ChildProcess, what: RegExp): Promise<void> {
  let text = '';
  child.stderr!.on('data', (bytes: Buffer) => {
    text += bytes;
  });
  expect(await until(() => what.test(text)), text).toBe(true);
}

describe('a prune without pause beside builds', () => {
  it('takes nothing from them', { timeout: 300_000 }, async () => {
    const prepared = await prepare('runc');
    const sandbox = prepared.next();
    try {
      let building = true;
      let pruned = 0;
      const prune = (async () => {
        while (building) {
          const ran = await sandbox.run(['system', 'prune', '-f']);
          expect(ran).toMatchObject({ code: 0, stderr: '' });
          pruned++;
        }
      })();
      // Awaited below; until then its failure is nobody's yet.
      prune.catch(() => undefined);
      try {
        for (let round = 0; round < 8; round++) {
          const where = `round ${round}`;
          const whole = { code: 0, stderr: '', stdout: `${prepared.id}\n` };
          expect(await buildIn(sandbox), where).toMatchObject(whole);
          expect(await sandbox.run(['rmi', 'app']), where).toMatchObject({ code: 0, stderr: '' });
        }
      } finally {
        building = false;
        await prune.catch(() => undefined);
      }
      await prune;
      expect(pruned).toBeGreaterThan(8);
      await expectWorks(sandbox, prepared.id, 'after all');
    } finally {
      await sandbox.remove();
      await prepared.sandbox.remove();
    }
  });
});
