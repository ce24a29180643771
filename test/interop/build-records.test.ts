import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, type Ran, until } from '../support/built-command.ts';
import { readableBuild, testUser } from '../support/test-user.ts';

let readable: string;
beforeAll(() => {
  readable = readableBuild();
});
afterAll(() => rmSync(readable, { recursive: true, force: true }));

/** A store with the base, and builds of Dockerfiles in it. */
async function openBench(runtime: string, asUser = false) {
  const env = { DOBOS_RUNTIME: runtime };
  const sandbox = createSandbox(asUser ? { user: testUser(), build: readable, env } : { env });
  chmodSync(sandbox.folder, 0o755);
  await importBase(sandbox);
  const context = (dockerfile: string, name = 'context'): string => {
    const folder = join(sandbox.folder, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'Dockerfile'), dockerfile);
    return folder;
  };
  const said = async (...args: readonly string[]): Promise<string> => {
    const ran = await sandbox.run(args);
    expect(ran.code, ran.stderr).toBe(0);
    return ran.stdout;
  };
  return {
    sandbox,
    context,
    said,
    build: (dockerfile: string, ...words: readonly string[]): Promise<Ran> =>
      sandbox.run(['build', '--progress', 'plain', ...words, context(dockerfile)]),
    /** `builds inspect --format json`. */
    inspect: async (which = '^0') => JSON.parse(await said('builds', 'inspect', '--format', 'json', which)),
    rows: async () => (await said('builds', 'ls', '--format', '{{.Name}} {{.Status}} {{.Steps}}')).trim(),
  };
}
type Bench = Awaited<ReturnType<typeof openBench>>;

describe('the record of a build', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench('auto');
  });
  afterAll(() => bench.sandbox.remove());

  const DOCKERFILE = 'FROM base:1\nARG WHO=you\nRUN echo hello $WHO\nENV SEEN=$WHO\nCMD ["/bin/sh"]\n';
  it('says what ran, what was cached and why, and holds no build argument', async () => {
    const first = await bench.build(DOCKERFILE, '-t', 'app', '--build-arg', 'WHO=t0pSecretValue');
    expect(first.code, first.stderr).toBe(0);
    const ran = await bench.inspect();
    expect(ran).toMatchObject({
      Status: 'Completed',
      Names: ['docker.io/library/app:latest'],
      Dockerfile: join(bench.sandbox.folder, 'context/Dockerfile'),
      DockerfileDigest: `sha256:${createHash('sha256').update(DOCKERFILE).digest('hex')}`,
      Image: { ID: /sha256:\w+/.exec(first.stderr)?.[0] },
      NumTotalSteps: 5,
      NumCachedSteps: 1,
    });
    expect(ran.Steps[2]).toMatchObject({ Number: 3, Line: 3, Outcome: 'ran', LogBytes: 21 });
    expect(ran.CompletedAt > ran.StartedAt).toBe(true);
    await bench.build(DOCKERFILE, '-t', 'app', '--build-arg', 'WHO=an0therValue');
    const again = await bench.inspect();
    expect(again.Steps[2].Reasons).toEqual(['ARG WHO changed']);
    expect(again.Steps.map(({ Name }: { Name: string }) => Name)).toContain('[4/5] ENV SEEN=$WHO');
    await bench.build(DOCKERFILE, '-t', 'app', '--build-arg', 'WHO=an0therValue');
    expect((await bench.rows()).split('\n')).toEqual([
      'app:latest Completed 5 cached',
      'app:latest Completed 4 ran, 1 cached',
      'app:latest Completed 4 ran, 1 cached',
    ]);
    const folder = join(bench.sandbox.store, 'builds');
    for (const name of readdirSync(folder).filter((each) => each.endsWith('.json')))
      expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(/t0pSecretValue|an0therValue/);
    // A build that found everything has one file and no log.
    expect(readdirSync(folder).filter((name) => !name.endsWith('.json'))).toHaveLength(2);
    expect(await bench.said('builds', 'logs', '^2', '3')).toBe('hello t0pSecretValue\n');
    expect(await bench.said('builds', 'logs', '^2')).toBe(
      '#3 [3/5] RUN echo hello $WHO\nhello t0pSecretValue\n',
    );
    expect(await bench.said('builds', 'inspect', '^1')).toMatch(
      /^Build: {7}\w{12}\nName: {8}app:latest\n(?:.*\n)*#3 {3}\[3\/5\] RUN echo hello \$WHO +ran +\d+\.\d+s +.*ARG WHO changed\n/,
    );
  });

  it('has the whole log, however long, byte for byte', async () => {
    const print =
      'yes 0123456789012345678901234567890123456789012345678 | head -c 20000000; printf "\\033[1mend"';
    expect(await bench.build(`FROM base:1\nRUN ${print}\n`, '-q')).toMatchObject({ code: 0 });
    const { stdout, bytes } = await bench.sandbox.run(['builds', 'logs', '^0', '2']);
    expect(bytes.stdout).toBe(20_000_000 + 7);
    expect(stdout.startsWith('0123456789012345678901234567890123456789012345678\n'.repeat(1000))).toBe(true);
    const stem = readdirSync(join(bench.sandbox.store, 'builds')).sort().at(-2)!;
    const [log] = readdirSync(join(bench.sandbox.store, 'builds', stem));
    const want = createHash('sha256')
      .update(Buffer.from('0123456789012345678901234567890123456789012345678\n'.repeat(400_000)))
      .update('\x1b[1mend');
    const whole = readFileSync(join(bench.sandbox.store, 'builds', stem, log!));
    expect(createHash('sha256').update(whole).digest('hex')).toBe(want.digest('hex'));
  });

  it('of a build that is killed says so, and has what its steps printed until then', async () => {
    const context = bench.context('FROM base:1\nRUN echo before the end; sleep 50\n');
    const builds = join(bench.sandbox.store, 'builds');
    const { child, ended } = bench.sandbox.start(['build', '-q', context]);
    const logs = (): string[] =>
      readdirSync(builds)
        .filter((name) => /\w{12}$/.test(name))
        .sort()
        .slice(-1)
        .flatMap((name) => readdirSync(join(builds, name)).map((log) => join(builds, name, log)));
    const printed = (): boolean => logs().some((log) => readFileSync(log, 'utf8') === 'before the end\n');
    expect(await until(printed)).toBe(true);
    expect(await bench.rows()).toMatch(/^context Running 1 running, 1 cached\n/);
    child.kill('SIGKILL');
    await ended;
    expect(await bench.rows()).toMatch(/^context Died 1 stopped, 1 cached\n/);
    expect(await bench.said('builds', 'logs', '^0', '2')).toBe('before the end\n');
    const opened = await bench.sandbox.run(['run', '--failed=^0', 'true']);
    expect([opened.code, opened.stderr]).toEqual([125, expect.stringContaining('it was killed')]);
  });

  it('of a build that is interrupted says that it was cancelled', async () => {
    const context = bench.context('FROM base:1\nRUN touch /started; echo here; sleep 50\n');
    const builds = join(bench.sandbox.store, 'builds');
    const before = readdirSync(builds).length;
    const { child, ended } = bench.sandbox.start(['build', '--progress', 'plain', context]);
    let seen = '';
    child.stderr!.on('data', (bytes: Buffer) => (seen += bytes));
    expect(await until(() => seen.includes('here\n'))).toBe(true);
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    expect(readdirSync(builds).length).toBe(before + 2);
    expect(await bench.rows()).toMatch(/^context Canceled 1 stopped, 1 cached\n/);
  });

  it('of a build that failed before any step says why', async () => {
    await bench.build('FROM base:1\nRUM x\n');
    expect(await bench.inspect()).toMatchObject({
      Status: 'Error',
      Error: { Code: 'DOCKERFILE_UNKNOWN_INSTRUCTION', Line: 2 },
      Steps: [],
    });
    const opened = await bench.sandbox.run(['run', '--failed', 'true']);
    expect(opened.stderr).toContain('it failed before any step: unknown instruction: RUM');
    // What only prints the plan is no build.
    const ids = await bench.said('builds', 'ls', '-q');
    await bench.said('build', '--plan', bench.context('FROM base:1\n'));
    expect(await bench.said('builds', 'ls', '-q')).toBe(ids);
  });

  it('that is broken is listed as unreadable, and can go', async () => {
    const builds = join(bench.sandbox.store, 'builds');
    writeFileSync(join(builds, '9999999999999-brokenbuild1.json'), '{"version":1,"id":"../../etc"}');
    expect(await bench.said('builds', 'ls')).toMatch(/\nbrokenbuild1 +- +Unreadable/);
    const inspected = await bench.sandbox.run(['builds', 'inspect', 'broken']);
    expect([inspected.code, inspected.stderr]).toEqual([
      1,
      'dobos: the record of build brokenbuild1 cannot be read\nhint: remove it with dobos builds rm brokenbuild1\n',
    ]);
    expect(await bench.said('builds', 'rm', 'brokenb')).toBe('brokenbuild1\n');
  });

  it('is found by the beginning of its id, and errors say what there is', async () => {
    const [id = ''] = (await bench.said('builds', 'ls', '-q')).split('\n');
    expect((await bench.inspect(id.slice(0, 9))).Ref).toBe(id);
    const tell = async (...args: readonly string[]): Promise<string> =>
      (await bench.sandbox.run(args)).stderr;
    expect(await tell('builds', 'inspect', `${id.slice(0, 10)}__`)).toContain(`did you mean ${id}?`);
    expect(await tell('builds', 'inspect', 'q_q')).toContain('hint: dobos builds ls lists them');
    expect(await tell('builds', 'inspect', '^9')).toContain('no record of a build "^9"');
    expect(await tell('builds', 'logs', '^2', '99')).toContain('has no step "99", want 1 to 2');
    expect(await tell('builds', 'rm')).toContain('needs a build, or --all');
  });

  it('is counted by system df, and goes with builds rm and system prune', async () => {
    const rows = async () => await bench.said('system', 'df', '--format', '{{.Type}}:{{.TotalCount}}');
    const count = (await bench.said('builds', 'ls', '-q')).trim().split('\n').length;
    expect(await rows()).toContain(`Build Records:${count}\n`);
    expect((await bench.said('buildx', 'history', 'rm', '^0')).trim()).toMatch(/^\w{12}$/);
    expect(await rows()).toContain(`Build Records:${count - 1}\n`);
    expect(await bench.said('system', 'prune')).toContain(`Build records removed: ${count - 1}\n`);
    expect(readdirSync(join(bench.sandbox.store, 'builds'))).toEqual([]);
    expect(await rows()).not.toContain('Build Records');
  });
});

const FAILING = `FROM base:1
ARG TOKEN=none
ENV MODE=test
WORKDIR /src
RUN --mount=type=secret,id=s --mount=type=cache,target=/cache echo kept > made; rm /etc/group; touch /cache/x; cat /run/secrets/s; echo out; exit 7
CMD ["/bin/nothing"]
`;

describe.each([
  ['runc', false],
  ['chroot', false],
  ['auto', true],
] as const)('what a failed RUN left, with %s (as an ordinary user: %s)', (runtime, asUser) => {
  let bench: Bench;
  let failed: Ran;
  beforeAll(async () => {
    bench = await openBench(runtime, asUser);
    const secret = join(bench.sandbox.folder, 'secret');
    writeFileSync(secret, 's3cr3t');
    chmodSync(secret, 0o644);
    const args = ['-t', 'app', '--build-arg', 'TOKEN=abc', '--secret', `id=s,src=${secret}`];
    failed = await bench.build(FAILING, ...args);
  });
  afterAll(() => bench.sandbox.remove());

  it('is opened by run --failed as the step saw it, without its mounts', async () => {
    expect(failed.code).toBe(1);
    expect(await bench.said('builds', 'logs', '^0', '5')).toBe('***out\n');
    expect(failed.stderr).toMatch(/\nopen its root file system: dobos run --failed -it sh\n$/);
    const look =
      'pwd; cat made; echo $TOKEN $MODE; ls /cache /run/secrets 2>/dev/null; [ -e /etc/group ] || echo gone';
    const opened = await bench.sandbox.run(['run', '--failed', 'sh', '-c', look]);
    expect([opened.code, opened.stderr]).toEqual([0, '']);
    expect(opened.stdout).toBe('/src\nkept\nabc test\ngone\n');
    // Without a command a shell; what stands behind the first word is the program's.
    expect(await bench.said('run', '--failed=^0', 'echo', '--failed', '--pull')).toBe('--failed --pull\n');
    expect((await bench.sandbox.run(['run', '--failed', '-i'], { input: Buffer.from('pwd\n') })).stdout).toBe(
      '/src\n',
    );
  });

  it('is an image that explore takes, and goes when the same build ends well', async () => {
    const { Error: error } = await bench.inspect();
    expect(await bench.said('explore', error.FailedImage)).toContain('RUN');
    expect(await bench.said('images', '-q')).not.toContain(error.FailedImage.slice(7, 19));
    const other = await bench.build('FROM base:1\nRUN true\n', '-t', 'other');
    expect(other.code, other.stderr).toBe(0);
    expect(await bench.said('run', '--failed', 'cat', 'made')).toBe('kept\n');
    expect(await bench.build('FROM base:1\nRUN true\n', '-t', 'app')).toMatchObject({ code: 0 });
    const opened = await bench.sandbox.run(['run', '--failed', 'true']);
    expect([opened.code, opened.stderr]).toEqual([125, expect.stringContaining('has ended well since')]);
  });
});

describe('a failed build with steps side by side', () => {
  it('keeps what the first that failed left, and repeats its last lines', async () => {
    const bench = await openBench('auto');
    try {
      const ran = await bench.build(
        [
          'FROM base:1 AS slow',
          'RUN --mount=type=cache,id=meet,target=/meet echo slow > /who; touch /meet/slow; sleep 1000; exit 1',
          'FROM base:1 AS quick',
          'RUN --mount=type=cache,id=meet,target=/meet echo quick > /who; echo going; until [ -e /meet/slow ]; do sleep 0.1; done; echo wrong; exit 2',
          'FROM base:1',
          'COPY --from=slow /who /a',
          'COPY --from=quick /who /b',
          '',
        ].join('\n'),
      );
      expect(ran.stderr).toMatch(/\n------\n > \[quick 2\/2\] RUN .*:\ngoing\nwrong\n------\ndobos: /);
      expect(await bench.said('run', '--failed', 'cat', '/who')).toBe('quick\n');
      expect((await bench.inspect()).Steps.map(({ Outcome }: { Outcome: string }) => Outcome)).toEqual([
        'cached', 'stopped', 'cached', 'failed', 'cached', 'waiting', 'waiting',
      ]); // biome-ignore format: a list
      await bench.said('builds', 'rm', '^0');
      expect(readdirSync(join(bench.sandbox.store, 'roots/failed-step'))).toEqual([]);
    } finally {
      await bench.sandbox.remove();
    }
  });
});
