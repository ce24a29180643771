import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debianBase } from '../../scripts/debian-base.ts';
import { type DobosOptions, dobosFor } from '../support/dobos.ts';
import { readableBuild, testUser } from '../support/test-user.ts';

const EPOCH = 1_600_000_000;

const DOCKERFILE = `FROM base AS compiled
WORKDIR /src
COPY src/ ./
RUN gcc -O2 -o greet greet.c && (umask; hostname; id; env | sort) > surroundings

FROM base AS counted
WORKDIR /work/deep
COPY data data
RUN cat data/*/*.txt | sort | sha256sum > sums && mkdir -p empty/folder && ln -s ../sums empty/link && ln sums twin
RUN rm -r data/d7 && chmod 600 data/d1/f1.txt

FROM base
WORKDIR /app
COPY --from=compiled /src/greet /src/surroundings ./
COPY --from=counted /work/deep/ counted/
COPY --chown=1000:1000 data assets/
COPY src/link ./
RUN ./greet > greeting && touch /etc/made /usr/local/made
CMD ["/app/greet"]
`;

/** What the folders hold, in some order. */
const FILES: readonly (readonly [path: string, text: string])[] = [
  ['Dockerfile', DOCKERFILE],
  ['.dockerignore', '**/*.tmp\n'],
  ['src/greet.c', '#include <stdio.h>\nint main(void) { puts("same"); return 0; }\n'],
  ...Array.from({ length: 10 }, (_, folder) =>
    Array.from({ length: 30 }, (_, file) => [`data/d${folder}/f${file}.txt`, `${folder} ${file}\n`] as const),
  ).flat(),
];

let work: string;
let build: string;
let base: string;
let first: Made;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'dobos-same-'));
  chmodSync(work, 0o755);
  build = readableBuild();
  base = debianBase(undefined, ['gcc', 'libc6-dev']);
  const folder = makeContext('a', FILES, 1_750_000_000);
  first = make(folder, { store: join(work, 'store') });
}, 600_000);
afterAll(() => {
  rmSync(work, { recursive: true, force: true });
  rmSync(build, { recursive: true, force: true });
});

/** A context whose files are made in this order, with this and later times. */
function makeContext(name: string, files: typeof FILES, time: number): string {
  const folder = join(work, name);
  const folders = new Set<string>();
  for (const [path, text] of files) {
    const at = join(folder, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
    chmodSync(at, 0o644);
    for (let up = dirname(at); up.length >= folder.length; up = dirname(up)) folders.add(up);
  }
  symlinkSync('greet.c', join(folder, 'src', 'link'));
  for (const [index, [path]] of files.entries()) utimesSync(join(folder, path), time + index, time + index);
  for (const at of folders) {
    chmodSync(at, 0o755);
    utimesSync(at, time, time);
  }
  return folder;
}

interface Made {
  readonly id: string;
  readonly manifest: string;
  /** sha256 of what `dobos save` writes. */
  readonly archive: string;
  readonly surroundings: string;
}

function make(folder: string, o: DobosOptions): Made {
  const env = { SOURCE_DATE_EPOCH: String(EPOCH), ...o.env };
  const dobos = dobosFor({ ...o, env });
  dobos('import', base, 'base');
  const id = dobos('build', '-q', '-t', 'same', folder).trim();
  const [image] = JSON.parse(dobos('inspect', 'same')) as { Id: string; Manifest: { digest: string } }[];
  expect(image?.Id).toBe(id);
  const archive = `${o.store}.tar`;
  dobos('save', '-o', archive, 'same');
  const bytes = readFileSync(archive);
  rmSync(archive);
  return {
    id,
    manifest: image?.Manifest.digest ?? '',
    archive: createHash('sha256').update(bytes).digest('hex'),
    surroundings: dobos('run', 'same', 'cat', '/app/surroundings'),
  };
}

describe('the same files, SOURCE_DATE_EPOCH and base make the same image, in its config, manifest and saved archive', () => {
  it('whatever the store, the folder, times and order of the files, umask, cores, language and time zone', () => {
    const folder = makeContext('a-folder-with-another-name', [...FILES].reverse(), 1_780_000_000);
    const store = join(work, 'elsewhere', 'deeper', 'store-with-a-longer-name');
    mkdirSync(dirname(store), { recursive: true });
    const made = make(folder, {
      store,
      cwd: folder,
      umask: '077',
      through: ['taskset', '--cpu-list', '0'],
      env: {
        UV_THREADPOOL_SIZE: '1',
        TZ: 'Pacific/Auckland',
        LANG: 'de_DE.UTF-8',
        LC_ALL: 'C',
        HOME: '/tmp',
      },
    });
    expect(made).toEqual(first);
  }, 300_000);

  it.each(['chroot', 'runc', 'crun'])(
    'with a umask of nothing and %s',
    (runtime) => {
      const store = join(work, `store-${runtime}`);
      const folder = makeContext(`b-${runtime}`, FILES, 1_770_000_000);
      expect(make(folder, { store, umask: '000', env: { DOBOS_RUNTIME: runtime } })).toEqual(first);
    },
    300_000,
  );

  it.each(['runc', 'chroot'])(
    'as an ordinary user with %s',
    (runtime) => {
      const user = testUser();
      const home = join(work, `home-${runtime}`);
      mkdirSync(home);
      chownSync(home, user.uid, user.gid);
      const folder = makeContext(`c-${runtime}`, FILES, 1_760_000_000);
      const store = join(home, 'store');
      const made = make(folder, {
        store,
        user: { ...user, build },
        env: { DOBOS_RUNTIME: runtime, HOME: home },
      });
      expect(made).toEqual(first);
    },
    300_000,
  );
});

describe('another image comes', () => {
  it('of a byte that changed', () => {
    const folder = makeContext(
      'changed',
      FILES.map(([path, text]) => [path, path === 'data/d3/f3.txt' ? '3 4\n' : text]),
      1_750_000_000,
    );
    expect(make(folder, { store: join(work, 'store-changed') }).id).not.toBe(first.id);
  }, 300_000);

  it('of another SOURCE_DATE_EPOCH', () => {
    const env = { SOURCE_DATE_EPOCH: String(EPOCH + 1) };
    const folder = makeContext('later', FILES, 1_750_000_000);
    expect(make(folder, { store: join(work, 'store-later'), env }).id).not.toBe(first.id);
  }, 300_000);
});

describe('the layers of that image', () => {
  it('have no file newer than SOURCE_DATE_EPOCH above the base, as GNU tar lists them', () => {
    const dobos = dobosFor({ store: join(work, 'store') });
    const [image] = JSON.parse(dobos('inspect', 'same')) as { Layers: { digest: string }[] }[];
    const above = image?.Layers.slice(1) ?? [];
    expect(above.length).toBeGreaterThan(4);
    for (const { digest } of above) {
      const blob = join(dobos.store, 'blobs', 'sha256', digest.slice('sha256:'.length));
      const list = execFileSync('tar', ['--utc', '--full-time', '-tvf', blob], { encoding: 'utf8' });
      for (const line of list.trim().split('\n')) {
        const [, , , day, time] = line.split(/\s+/);
        expect(Date.parse(`${day}T${time}Z`) / 1000, line).toBeLessThanOrEqual(EPOCH);
      }
    }
  });
});
