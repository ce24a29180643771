import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planBuild } from '../build/plan.ts';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import { checkEmulation } from './check-emulation.ts';

const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64' };
const ARM64_MAGIC = '7f454c460201010000000000000000000200b700';

let binfmt: string;
beforeEach(() => {
  binfmt = mkdtempSync(join(tmpdir(), 'dobos-binfmt-'));
  writeFileSync(join(binfmt, 'status'), 'enabled\n');
});
afterEach(() => rmSync(binfmt, { recursive: true, force: true }));

const entry = (magic: string, flags = 'F', state = 'enabled'): string =>
  `${state}\ninterpreter /usr/bin/qemu\nflags: ${flags}\noffset 0\nmagic ${magic}\nmask ffff\n`;
const graphOf = (text: string, platform = ARM64) =>
  planBuild(parseDockerfile(text), new Map(), { buildArgs: new Map(), platform, buildPlatform: AMD64 });
const check = (text: string, platform = ARM64): void =>
  checkEmulation([graphOf(text, platform)], AMD64, binfmt);

describe('programs for another machine', () => {
  it('are told of before anything runs, with the line that runs one', () => {
    expect(() => check('FROM scratch\nENV A=b\nRUN make\n')).toThrow(
      'programs for linux/arm64 do not run on this machine (linux/amd64), and line 3 runs one: RUN make: no emulator for it is registered',
    );
    rmSync(join(binfmt, 'status'));
    expect(() => check('FROM scratch\nRUN x\n')).toThrow('is not mounted');
    writeFileSync(join(binfmt, 'status'), 'disabled\n');
    expect(() => check('FROM scratch\nRUN x\n')).toThrow('is disabled');
  });

  it('run where an emulator is registered that containers find', () => {
    writeFileSync(join(binfmt, 'qemu-arm'), entry('7f454c4601010100000000000000000002002800'));
    expect(() => check('FROM scratch\nRUN x\n')).toThrow('no emulator');
    writeFileSync(join(binfmt, 'qemu-aarch64'), entry(ARM64_MAGIC, 'OC'));
    expect(() => check('FROM scratch\nRUN x\n')).toThrow('/usr/bin/qemu is registered without the F flag');
    writeFileSync(join(binfmt, 'qemu-aarch64'), entry(ARM64_MAGIC, 'F', 'disabled'));
    expect(() => check('FROM scratch\nRUN x\n')).toThrow('no emulator');
    writeFileSync(join(binfmt, 'qemu-aarch64'), entry(ARM64_MAGIC, 'POCF'));
    check('FROM scratch\nRUN x\n');
  });

  it('are nobody’s concern without RUN, in stages of this machine, and where the processor runs both', () => {
    check('FROM scratch\nCOPY a /\n');
    check('FROM --platform=$BUILDPLATFORM scratch AS b\nRUN x\nFROM scratch\nCOPY --from=b / /\n');
    check('FROM scratch\nRUN x\n', { os: 'linux', architecture: '386' });
  });
});
