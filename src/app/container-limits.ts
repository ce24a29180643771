import { readFileSync } from 'node:fs';
import { errorMaker } from '../base/errors.ts';
import { parseMemorySize } from '../base/memory-size.ts';
import type { ResourceLimits } from '../runtime/types.ts';

type LimitErrors = {
  RUN_LIMIT: { option: string; problem: string };
};
const limitError = errorMaker<LimitErrors>({
  RUN_LIMIT: ({ option, problem }) => `${option}: ${problem}`,
});
const wrong = (option: string, problem: string): Error => limitError('RUN_LIMIT', { option, problem });

/** As the options are written. */
export interface LimitsRequest {
  readonly memory?: string | undefined;
  readonly memorySwap?: string | undefined;
  readonly memoryReservation?: string | undefined;
  readonly cpus?: string | undefined;
  readonly cpuShares?: string | undefined;
  readonly cpuPeriod?: string | undefined;
  readonly cpuQuota?: string | undefined;
  readonly cpuset?: string | undefined;
  readonly pids?: string | undefined;
}

/** docker's: less does not start a program. */
const MIN_MEMORY = 6 * 1024 * 1024;
const PERIOD = 100_000;
/** From 1 ms to 1 s, in microseconds. */
const PERIODS = [1000, 1_000_000] as const;

/** Undefined if nothing is limited. `online`: the machine's processors, as the kernel lists them. @throws RUN_LIMIT */
export function readLimits(
  o: LimitsRequest,
  online = onlineProcessors(),
): Omit<ResourceLimits, 'cgroup'> | undefined {
  const memory = bytesOf('-m, --memory', o.memory);
  if (memory !== undefined && memory < MIN_MEMORY)
    throw wrong(`--memory ${o.memory}`, 'minimum memory limit allowed is 6MB');
  const memorySwap = o.memorySwap === '-1' ? -1 : bytesOf('--memory-swap', o.memorySwap);
  // Unlimited swap needs no limit of memory.
  if (memorySwap !== undefined && memorySwap > 0 && memory === undefined) {
    throw wrong(
      `--memory-swap ${o.memorySwap}`,
      'you should always set the memory limit when using the memory-swap limit',
    );
  }
  if (memorySwap !== undefined && memorySwap > 0 && memorySwap < memory!) {
    throw wrong(
      `--memory-swap ${o.memorySwap}`,
      'it counts memory and swap together, and should be larger than the memory limit',
    );
  }
  const memoryReservation = bytesOf('--memory-reservation', o.memoryReservation);
  if (memory !== undefined && memoryReservation !== undefined && memory < memoryReservation) {
    throw wrong(`--memory ${o.memory}`, 'minimum memory limit can not be less than memory reservation limit');
  }
  const cpuShares = numberOf('--cpu-shares', o.cpuShares);
  if (cpuShares !== undefined && (cpuShares < 2 || cpuShares > 262_144)) {
    throw wrong(`--cpu-shares ${o.cpuShares}`, 'want 2 to 262144');
  }
  const pids = o.pids === '-1' ? undefined : numberOf('--pids-limit', o.pids);
  const limits = {
    ...(memory !== undefined && { memory }),
    ...(memorySwap !== undefined && memory !== undefined && { memorySwap }),
    ...(memoryReservation !== undefined && { memoryReservation }),
    ...(cpuShares !== undefined && { cpuShares }),
    ...timeOf(o, online),
    ...(o.cpuset !== undefined && o.cpuset !== '' && { cpus: processorsOf(o.cpuset, online) }),
    ...(pids !== undefined && { pids }),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

/** Zero is no limit. */
function bytesOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseMemorySize(text);
  if (bytes === undefined) throw wrong(`${option} ${text}`, `invalid size: '${text}'`);
  return bytes === 0 ? undefined : bytes;
}

/** Zero is no limit. */
function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw wrong(`${option} ${text}`, 'invalid number');
  return Number(text) === 0 ? undefined : Number(text);
}

function timeOf(o: LimitsRequest, online: string): Pick<ResourceLimits, 'cpuPeriod' | 'cpuQuota'> {
  const period = numberOf('--cpu-period', o.cpuPeriod);
  const quota = numberOf('--cpu-quota', o.cpuQuota);
  if (o.cpus !== undefined && Number(o.cpus) !== 0) {
    const option = `--cpus ${o.cpus}`;
    const cpus = /^\d{1,6}(?:\.\d{1,9})?$/.test(o.cpus) ? Number(o.cpus) : Number.NaN;
    if (Number.isNaN(cpus)) throw wrong(option, `failed to parse ${o.cpus} as a rational number`);
    if (period !== undefined || quota !== undefined)
      throw wrong(option, 'conflicting options: CPUs and CPU period or quota cannot both be set');
    const count = listOf(online).size;
    if (cpus < 0.01 || cpus > count) {
      throw wrong(
        option,
        `range of CPUs is from 0.01 to ${count}.00, as there are only ${count} CPUs available`,
      );
    }
    return { cpuPeriod: PERIOD, cpuQuota: Math.round(cpus * PERIOD) };
  }
  if (period !== undefined && (period < PERIODS[0] || period > PERIODS[1])) {
    throw wrong(
      `--cpu-period ${o.cpuPeriod}`,
      'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
    );
  }
  if (quota !== undefined && quota < PERIODS[0]) {
    throw wrong(`--cpu-quota ${o.cpuQuota}`, 'CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
  return {
    ...(period !== undefined && { cpuPeriod: period }),
    ...(quota !== undefined && { cpuQuota: quota }),
  };
}

function processorsOf(text: string, online: string): string {
  const option = `--cpuset-cpus ${text}`;
  if (!/^\d{1,5}(?:-\d{1,5})?(?:,\d{1,5}(?:-\d{1,5})?)*$/.test(text))
    throw wrong(option, `invalid value ${text} for cpuset cpus`);
  const there = listOf(online);
  if (![...listOf(text)].every((each) => there.has(each))) {
    throw wrong(option, `requested CPUs are not available - requested ${text}, available: ${online}`);
  }
  return text;
}

/** The kernel's lists: `0-3,8`. */
function listOf(text: string): Set<number> {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const [first = 0, last = first] = part.split('-').map(Number);
    for (let each = first; each <= last; each++) found.add(each);
  }
  return found;
}

function onlineProcessors(): string {
  return readFileSync('/sys/devices/system/cpu/online', 'latin1').trim();
}
