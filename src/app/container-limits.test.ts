import { describe, expect, it } from 'vitest';
import { type LimitsRequest, readLimits } from './container-limits.ts';

describe('limits of a container', () => {
  it.each<[LimitsRequest, object | undefined]>([
    [{}, undefined],
    [{ memory: '0', pids: '-1', cpus: '0' }, undefined],
    [{ memory: '64m' }, { memory: 67108864 }],
    [
      { memory: '1g', memorySwap: '-1', memoryReservation: '512m' },
      { memory: 2 ** 30, memorySwap: -1, memoryReservation: 2 ** 29 },
    ],
    // Unlimited, as docker has it, with or without a limit of memory.
    [{ memorySwap: '-1' }, undefined],
    [{ memory: '64m', memorySwap: '0' }, { memory: 67108864 }],
    [{ cpus: '1.5' }, { cpuPeriod: 100000, cpuQuota: 150000 }],
    [
      { cpuPeriod: '50000', cpuQuota: '25000', cpuShares: '512' },
      { cpuPeriod: 50000, cpuQuota: 25000, cpuShares: 512 },
    ],
    [
      { cpuset: '0,2-3', pids: '20' },
      { cpus: '0,2-3', pids: 20 },
    ],
  ])('%j', (asked, want) => expect(readLimits(asked, '0-3')).toEqual(want));

  // docker's words.
  it.each<[LimitsRequest, string]>([
    [{ memory: '4m' }, 'minimum memory limit allowed is 6MB'],
    [{ memory: 'x' }, "invalid size: 'x'"],
    [{ memory: '64m', memorySwap: '-2' }, "invalid size: '-2'"],
    [{ memorySwap: '50m' }, 'you should always set the memory limit'],
    [{ memory: '100m', memorySwap: '50m' }, 'should be larger than the memory limit'],
    [{ memory: '100m', memoryReservation: '200m' }, 'can not be less than memory reservation limit'],
    [{ cpus: '900' }, 'range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available'],
    [{ cpus: 'x' }, 'failed to parse x as a rational number'],
    [{ cpus: '1', cpuPeriod: '1000' }, 'conflicting options'],
    [{ cpuPeriod: '10' }, 'CPU cfs period can not be less than 1ms'],
    [{ cpuQuota: '10' }, 'CPU cfs quota can not be less than 1ms'],
    [{ cpuShares: '1' }, 'want 2 to 262144'],
    [{ cpuset: '99' }, 'requested CPUs are not available - requested 99, available: 0-3'],
    [{ cpuset: 'a' }, 'invalid value a for cpuset cpus'],
    [{ pids: 'x' }, 'invalid number'],
  ])('%j is refused', (asked, words) => expect(() => readLimits(asked, '0-3')).toThrow(words));
});
