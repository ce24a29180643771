import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRpmSqlite } from '../../src/explore/packages/parse-rpm.ts';
import type { ImagePackages } from '../../src/explore/packages/read-packages.ts';
import { createSandbox, type Sandbox } from '../support/built-command.ts';

/** So many that the table has pages above its leaves. */
const SMALL = 60;
const DATABASE = 'var/lib/rpm/rpmdb.sqlite';

let work: string;
let root: string;
let sandbox: Sandbox;
const rpm = (...args: readonly string[]): string =>
  execFileSync('rpm', ['--root', root, '--dbpath', '/var/lib/rpm', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** One package with many files (its header fills pages of its own), one with an epoch, many small ones. */
const SPEC = `Name: many
Version: 1.5
Release: 3
Epoch: 2
Summary: many files
License: none
BuildArch: noarch
%description
Many files.
${Array.from({ length: SMALL }, (_, at) => `%package -n small${at}\nSummary: small\n%description -n small${at}\nSmall.`).join('\n')}
%install
mkdir -p %{buildroot}/opt/many "%{buildroot}/opt/with blank"
for at in $(seq 2000); do echo "file $at" > %{buildroot}/opt/many/a-file-with-a-usual-name-$at; done
echo odd > "%{buildroot}/opt/with blank/ä.txt"
for at in $(seq 0 ${SMALL - 1}); do mkdir -p %{buildroot}/opt/small$at; echo small > %{buildroot}/opt/small$at/file; done
%files
/opt/many
"/opt/with blank"
${Array.from({ length: SMALL }, (_, at) => `%files -n small${at}\n/opt/small${at}`).join('\n')}
`;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'dobos-rpm-'));
  root = join(work, 'root');
  mkdirSync(join(root, 'var/lib/rpm'), { recursive: true });
  writeFileSync(join(work, 'many.spec'), SPEC);
  const define = ['--define', `_topdir ${work}/build`, '--define', '_build_id_links none'];
  execFileSync('rpmbuild', ['-bb', '--quiet', ...define, join(work, 'many.spec')], { stdio: 'pipe' });
  const folder = join(work, 'build/RPMS/noarch');
  rpm('--initdb');
  rpm('-i', '--nodeps', '--noscripts', ...readdirSync(folder).map((name) => join(folder, name)));
  sandbox = createSandbox();
});
afterAll(async () => {
  await sandbox.remove();
  rmSync(work, { recursive: true, force: true });
});

async function packagesOf(name: string): Promise<ImagePackages> {
  const { code, stdout, stderr } = await sandbox.run(['explore', '--packages', '--json', '-', name]);
  expect([code, stderr]).toEqual([0, '']);
  return (JSON.parse(stdout) as { readonly packages: ImagePackages }).packages;
}

async function importRoot(name: string): Promise<void> {
  const tar = join(work, 'root.tar');
  execFileSync('tar', ['-C', root, '-cf', tar, '.']);
  const { code, stderr } = await sandbox.run(['import', tar, name]);
  expect([code, stderr]).toEqual([0, '']);
}

describe("rpm's database", () => {
  it('tells what rpm tells: names, versions, files and their bytes', async () => {
    await importRoot('rpm:1');
    const { packages, unread, layers } = await packagesOf('rpm:1');
    const asked = rpm('-qa', '--qf', '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH} %{LONGSIZE}\\n');
    const told = packages.map(({ name, version, architecture, bytes }) =>
      [name, version.includes(':') ? version : `0:${version}`, architecture, bytes].join(' '),
    );
    expect(told.sort()).toEqual(asked.trim().split('\n').sort());
    expect(told).toHaveLength(SMALL + 1);
    expect(unread).toEqual([]);
    expect(layers[0]!.packages).toHaveLength(SMALL + 1);
    const files = parseRpmSqlite(readFileSync(join(root, DATABASE)))!.find(({ name }) => name === 'many')!
      .files!;
    const listed = rpm('-ql', 'many').trim().split('\n');
    expect(files.map((path) => `/${path}`).sort()).toEqual(listed.sort());
    expect(files).toContain('opt/with blank/ä.txt');
  });

  it('that is damaged is named, and never read without end', async () => {
    const good = readFileSync(join(root, DATABASE));
    expect(parseRpmSqlite(good.subarray(0, good.length / 2))).toBeUndefined();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 200 }),
        (changes) => {
          const bad = Buffer.from(good);
          for (const [at, byte] of changes) bad[at] = byte;
          for (const { name } of parseRpmSqlite(bad) ?? []) expect(typeof name).toBe('string');
        },
      ),
      { numRuns: 300 },
    );
    // Every pointer of a page at itself, and at the first page.
    for (const value of [1, 2]) {
      const bad = Buffer.from(good);
      for (let page = 1; page * 4096 < bad.length; page++) bad.writeUInt32BE(value, page * 4096 + 8);
      parseRpmSqlite(bad);
    }
    writeFileSync(join(root, DATABASE), good.subarray(0, 5000));
    await importRoot('rpm:bad');
    const { packages, unread } = await packagesOf('rpm:bad');
    expect([packages, unread]).toEqual([[], [DATABASE]]);
  });
});
