import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorMaker } from '../base/errors.ts';
import type { BuildGraph, Step } from '../build/graph.ts';
import { formatPlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/types.ts';

type EmulationErrors = {
  PLATFORM_EMULATION: { platform: string; host: string; step: string; line: number; problem: string };
};
const emulationError = errorMaker<EmulationErrors>({
  PLATFORM_EMULATION: ({ platform, host, step, line, problem }) => ({
    message: `programs for ${platform} do not run on this machine (${host}), and line ${line} runs one: ${step}: ${problem}`,
    hint: 'install an emulator and register it: Debian has qemu-user-static with binfmt-support; a build without RUN needs none',
  }),
});

/** Where Linux says which files it starts with which interpreter. */
const BINFMT = '/proc/sys/fs/binfmt_misc';

/** `e_machine` of ELF files, and whether they are big-endian. */
const MACHINES: Readonly<Record<string, readonly [machine: number, bigEndian?: true]>> = {
  amd64: [62],
  '386': [3],
  arm: [40],
  arm64: [183],
  riscv64: [243],
  ppc64le: [21],
  ppc64: [21, true],
  s390x: [22, true],
  mips64le: [8],
  mips64: [8, true],
  loong64: [258],
};
/** What a processor runs beside its own. */
const ALSO_RUNS: Readonly<Record<string, readonly string[]>> = { amd64: ['386'], arm64: ['arm'] };

/** Fails before anything runs when a RUN is for a platform whose programs this machine does not start. @throws PLATFORM_EMULATION */
export function checkEmulation(graphs: readonly BuildGraph[], host: Platform, binfmt: string = BINFMT): void {
  const known = new Map<string, string | undefined>();
  for (const graph of graphs) {
    const steps = new Map(graph.steps.map((step) => [step.id, step]));
    for (const step of graph.steps) {
      if (step.op.kind !== 'run') continue;
      const platform = platformOf(step, steps) ?? graph.platform;
      const { architecture } = platform;
      if (architecture === host.architecture || ALSO_RUNS[host.architecture]?.includes(architecture))
        continue;
      if (!known.has(architecture)) known.set(architecture, missing(architecture, binfmt));
      const problem = known.get(architecture);
      if (problem === undefined) continue;
      throw emulationError('PLATFORM_EMULATION', {
        platform: formatPlatform(platform),
        host: formatPlatform(host),
        step: step.text.split('\n', 1)[0] ?? '',
        line: step.origin.start.line,
        problem,
      });
    }
  }
}

/** That of the image which the step's stage starts from. */
function platformOf(step: Step, steps: ReadonlyMap<string, Step>): Platform | undefined {
  let at: Step | undefined = step;
  while (at?.parent !== undefined) at = steps.get(at.parent);
  return at?.op.kind === 'base' || at?.op.kind === 'scratch' ? at.op.platform : undefined;
}

/** Why programs of the architecture do not start; undefined if they do. */
function missing(architecture: string, folder: string): string | undefined {
  const machine = MACHINES[architecture];
  if (machine === undefined) return 'this architecture is not known';
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => name !== 'register' && name !== 'status');
    if (readText(join(folder, 'status')).trim() === 'disabled') return `${folder} is disabled`;
  } catch {
    return `${folder} cannot be read, where the kernel lists its emulators`;
  }
  if (names.length === 0 && readText(join(folder, 'status')) === '')
    return `${folder} is not mounted, where the kernel lists its emulators`;
  for (const name of names) {
    const text = readText(join(folder, name));
    if (!text.startsWith('enabled') || !startsMachine(text, machine)) continue;
    // Without the F flag the emulator is looked for inside the container.
    if (/^flags: .*F/m.test(text)) return undefined;
    return `its emulator ${/^interpreter (.*)$/m.exec(text)?.[1] ?? name} is registered without the F flag, so containers do not find it`;
  }
  return 'no emulator for it is registered with the kernel';
}

/** True if the entry's magic takes ELF files of this machine. */
function startsMachine(
  text: string,
  [machine, bigEndian]: readonly [machine: number, bigEndian?: true],
): boolean {
  const offset = Number(/^offset (\d+)$/m.exec(text)?.[1] ?? 0);
  const magic = Buffer.from(/^magic ([0-9a-f]+)$/m.exec(text)?.[1] ?? '', 'hex');
  if (offset !== 0 || magic.length < 20 || magic.readUInt32BE(0) !== 0x7f454c46) return false;
  if ((magic[5] === 2) !== (bigEndian === true)) return false;
  return (bigEndian ? magic.readUInt16BE(18) : magic.readUInt16LE(18)) === machine;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
