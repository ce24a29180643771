import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findImage } from '../../src/image/find-image.ts';
import { readLayerIndex } from '../../src/layer/read-index.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { createSandbox, importBase, type Sandbox } from '../support/built-command.ts';

const DOCKERFILE = `FROM base:1
ARG ROUND
RUN grep -c nothing-of-this /etc/hosts || true; grep -E '^(10.0.0.7|127.0.0.1).(db|me)$' /etc/hosts
RUN echo "files $(ulimit -Sn) $(ulimit -Hn) core $(ulimit -Sc) $(ulimit -Hc)"; df -k /dev/shm | awk 'END { print "shm " $2 }'
RUN cat /given/in; echo written > /given/out 2>&1 && echo may write; ls /new
RUN --mount=type=tmpfs,target=/given ls -A /given | wc -l
`;

describe.each(['runc', 'chroot'])('what a build gives to its RUNs, with %s', (runtime) => {
  let sandbox: Sandbox;
  let context: string;
  let given: string;
  beforeAll(async () => {
    sandbox = createSandbox({ env: { DOBOS_RUNTIME: runtime } });
    await importBase(sandbox);
    context = join(sandbox.folder, 'context');
    given = join(sandbox.folder, 'given');
    for (const folder of [context, given]) mkdirSync(folder);
    writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
    writeFileSync(join(given, 'in'), 'of the host\n');
  });
  afterAll(() => sandbox.remove());

  it('is there in every step, in no layer, and changes no key', async () => {
    const options = [
      ...['--add-host', 'db:10.0.0.7', '--add-host', 'me=host-gateway'],
      ...['--ulimit', 'nofile=100:200', '--ulimit', 'core=0:-1', '--shm-size', '3m'],
      ...['-v', `${given}:/given`, '-v', `${given}:/new/deep:ro`, '--jobs', '1'],
    ];
    const build = (...more: readonly string[]) =>
      sandbox.run(['build', '--progress', 'plain', '-t', 'app', ...more, context]);
    const first = await build(...options);
    expect(first.code, first.stderr).toBe(0);
    const lines = first.stderr.split('\n').flatMap((line) => /^#\d+ \d+\.\d+ (.*)$/.exec(line)?.[1] ?? []);
    expect(lines).toEqual([
      ...['0', '10.0.0.7    db', '127.0.0.1    me'],
      ...['files 100 200 core 0 unlimited', 'shm 3072'],
      ...['of the host', 'may write', 'deep'],
      '0',
    ]);
    expect(readFileSync(join(given, 'out'), 'utf8')).toBe('written\n');

    const store = createDirectoryStore(sandbox.store);
    const { layers, config } = await findImage(store, 'app');
    const indexes = await Promise.all(layers.slice(1).map((layer) => readLayerIndex(store, layer)));
    expect(indexes.map((index) => [...index.entries()].map(({ path }) => path))).toEqual([[], [], [], []]);
    expect(config.config).toEqual({ Env: ['PATH=/bin'], Cmd: ['/bin/sh'] });
    expect(JSON.stringify(config)).not.toContain(given);

    const again = await build('--add-host', 'other:10.0.0.8');
    expect(again.stderr).not.toMatch(/^#\d+ \d+\.\d+ /m);
  });

  it('says that a limit is higher than it may be', async () => {
    const ran = await sandbox.run([
      'build', '--progress', 'plain', '--no-cache', '--ulimit', 'nofile=1:99999999999', context,
    ]); // biome-ignore format: a list
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('hint: a limit cannot be higher than this process itself may go');
  });
});
