import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, type Sandbox } from '../support/built-command.ts';

const BINFMT = '/proc/sys/fs/binfmt_misc';
const QEMU = '/usr/bin/qemu-aarch64-static';
const NAME = 'dobos-test-aarch64';

/** This machine has an emulator already. */
const emulated = existsSync(BINFMT) && readdirSync(BINFMT).some((name) => name.includes('aarch64'));

/** A static program for arm64 that makes the folder /made and ends with 0. */
function arm64Program(): Buffer {
  const code = [
    0x92800c60, // movn x0, #99: AT_FDCWD
    0x100000e1, // adr x1, the name behind the code
    0xd2803da2, // mov x2, #0755
    0xd2800448, // mov x8, mkdirat
    0xd4000001, // svc
    0xd2800000, // mov x0, #0
    0xd2800ba8, // mov x8, exit
    0xd4000001,
  ];
  const body = Buffer.concat([Buffer.alloc(code.length * 4), Buffer.from('/made\0')]);
  for (const [i, word] of code.entries()) body.writeUInt32LE(word, i * 4);
  const head = Buffer.alloc(120);
  head.write('7f454c46020101', 'hex');
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(183, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(0x400078n, 24);
  head.writeBigUInt64LE(64n, 32);
  for (const [at, value] of [[52, 64], [54, 56], [56, 1], [58, 64]] as const) head.writeUInt16LE(value, at); // biome-ignore format: a table
  head.writeUInt32LE(1, 64);
  head.writeUInt32LE(5, 68);
  for (const at of [80, 88]) head.writeBigUInt64LE(0x400000n, at);
  for (const at of [96, 104]) head.writeBigUInt64LE(BigInt(120 + body.length), at);
  head.writeBigUInt64LE(0x10000n, 112);
  return Buffer.concat([head, body]);
}

let box: Sandbox;
let context: string;
beforeAll(async () => {
  box = createSandbox();
  await importBase(box);
  context = join(box.folder, 'context');
  mkdirSync(context);
  writeFileSync(join(context, 'program'), arm64Program(), { mode: 0o755 });
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY program /\nRUN ["/program"]\n');
  writeFileSync(
    join(context, 'Cross'),
    [
      'FROM --platform=$BUILDPLATFORM base:1 AS made',
      'ARG TARGETARCH BUILDARCH',
      'RUN echo $BUILDARCH for $TARGETARCH > /said',
      'FROM scratch',
      'COPY --from=made /said /',
      '',
    ].join('\n'),
  );
});
afterAll(() => box.remove());

describe('builds for another platform', () => {
  it('run programs of this machine in stages of --platform=$BUILDPLATFORM', async () => {
    const out = join(box.folder, 'cross');
    const words = [
      '-f',
      join(context, 'Cross'),
      '--platform',
      'linux/amd64,linux/arm64',
      '-t',
      'cross',
      '-o',
      out,
    ];
    const ran = await box.run(['build', ...words, context]);
    expect(ran.code, ran.stderr).toBe(0);
    const said = (platform: string): string =>
      execFileSync('cat', [join(out, platform, 'said')], { encoding: 'utf8' });
    expect([said('linux_amd64'), said('linux_arm64')]).toEqual(['amd64 for amd64\n', 'amd64 for arm64\n']);
    expect((await box.run(['images'])).stdout).toMatch(/^cross +latest /m);
  });

  it.skipIf(emulated)('with a RUN and no emulator fail before anything runs', async () => {
    const ran = await box.run(['build', '--platform', 'linux/amd64,linux/arm64', context]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(
      'programs for linux/arm64 do not run on this machine (linux/amd64), and line 3 runs one',
    );
    expect(ran.stderr).not.toContain('#1');
  });

  it.skipIf(!existsSync(QEMU))('with a RUN run in an emulator that is registered', async () => {
    const mounted = existsSync(join(BINFMT, 'register'));
    if (!mounted) execFileSync('mount', ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT]);
    try {
      const magic = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`;
      const mask = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;
      writeFileSync(join(BINFMT, 'register'), `:${NAME}:M::${magic}:${mask}:${QEMU}:F`);
      const out = join(box.folder, 'arm');
      const ran = await box.run(['build', '--platform', 'linux/arm64', '-o', out, context]);
      expect(ran.code, ran.stderr).toBe(0);
      expect(readdirSync(out)).toEqual(['made', 'program']);
    } finally {
      if (existsSync(join(BINFMT, NAME))) writeFileSync(join(BINFMT, NAME), '-1');
      if (!mounted) spawnSync('umount', [BINFMT]);
    }
  });
});
