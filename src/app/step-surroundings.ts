/**
 * What the options of a build give to each of its RUNs and no layer, history or key holds: names of hosts, limits, folders of the host.
 */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { errorMaker } from '../base/errors.ts';
import { parseMemorySize } from '../base/memory-size.ts';
import type { StepSurroundings } from '../build/execute-run.ts';
import { resourceName } from '../linux/resource-limits.ts';
import type { BindMount, HostName, ResourceLimit } from '../runtime/types.ts';
import { parseVolume } from './host-volume.ts';

type SurroundingsErrors = {
  BUILD_ADD_HOST: { text: string; problem: string };
  BUILD_SHM_SIZE: { text: string };
  BUILD_ULIMIT: { text: string; problem: string };
  BUILD_JOBS: { text: string };
};
const surroundingsError = errorMaker<SurroundingsErrors>({
  BUILD_ADD_HOST: ({ text, problem }) => ({
    message: `--add-host ${text}: ${problem}`,
    hint: 'want NAME:ADDRESS or NAME=ADDRESS; the address host-gateway is that of this machine',
  }),
  BUILD_SHM_SIZE: ({ text }) => ({
    message: `--shm-size ${text}: invalid size`,
    hint: 'want bytes, or a number with k, m or g: 64m',
  }),
  BUILD_ULIMIT: ({ text, problem }) => ({
    message: `--ulimit ${text}: ${problem}`,
    hint: 'want NAME=SOFT[:HARD], as nofile=1024:2048; -1 is unlimited',
  }),
  BUILD_JOBS: ({ text }) => ({
    message: `--jobs ${text}: invalid number`,
    hint: 'want how many steps may run at once; 0 is as many as there are',
  }),
});

/** As the options are written. */
export interface SurroundingsRequest {
  /** `name:address` or `name=address`. */
  readonly addHosts?: readonly string[] | undefined;
  readonly shmSize?: string | undefined;
  /** `name=soft[:hard]`. */
  readonly ulimits?: readonly string[] | undefined;
  /** `/host:/inside[:ro]`. */
  readonly volumes?: readonly string[] | undefined;
}

/** @throws BUILD_ADD_HOST, BUILD_SHM_SIZE, BUILD_ULIMIT, RUN_VOLUME */
export function readSurroundings(o: SurroundingsRequest): StepSurroundings {
  return {
    hosts: (o.addHosts ?? []).map(readHost),
    shmBytes: o.shmSize === undefined ? undefined : readShmSize(o.shmSize),
    limits: [...new Map((o.ulimits ?? []).map(readLimit).map((limit) => [limit.name, limit])).values()],
    volumes: (o.volumes ?? []).map(readVolume),
  };
}

/** How many steps may run at once; undefined without `--jobs`. @throws BUILD_JOBS */
export function readJobs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw surroundingsError('BUILD_JOBS', { text });
  return Number(text) === 0 ? Number.MAX_SAFE_INTEGER : Number(text);
}

/** Where a step finds this machine: it has the machine's own network. */
const HOST_GATEWAY = '127.0.0.1';

function readHost(text: string): HostName {
  const wrong = (problem: string): Error => surroundingsError('BUILD_ADD_HOST', { text, problem });
  // An IPv6 address is full of colons: the first sign of the two decides, and `=` comes first.
  const cut = text.includes('=') ? text.indexOf('=') : text.indexOf(':');
  const name = text.slice(0, Math.max(0, cut));
  if (!/^[^\s=:#]+$/.test(name)) throw wrong('bad format for add-host');
  const address = text.slice(cut + 1).replace(/^\[(.*)\]$/, '$1');
  if (address === 'host-gateway') return { name, address: HOST_GATEWAY };
  if (isIP(address) === 0) throw wrong(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  return { name, address };
}

function readShmSize(text: string): number | undefined {
  const bytes = parseMemorySize(text);
  if (bytes === undefined) throw surroundingsError('BUILD_SHM_SIZE', { text });
  return bytes === 0 ? undefined : bytes;
}

/** docker's grammar and words. */
function readLimit(text: string): ResourceLimit {
  const wrong = (problem: string): Error => surroundingsError('BUILD_ULIMIT', { text, problem });
  const cut = text.indexOf('=');
  if (cut < 0) throw wrong('invalid ulimit argument');
  const name = resourceName(text.slice(0, cut));
  if (name === undefined) throw wrong(`invalid ulimit type: ${text.slice(0, cut)}`);
  const parts = text.slice(cut + 1).split(':');
  if (parts.length > 2) {
    throw wrong('too many limit value arguments, can only have up to two, `soft[:hard]`');
  }
  const values = parts.map((part) => {
    const value = Number(part);
    if (!/^(?:-1|\d+)$/.test(part) || !Number.isSafeInteger(value)) {
      throw wrong(`invalid limit ${JSON.stringify(part)}`);
    }
    return value < 0 ? undefined : value;
  });
  const [soft, hard] = values.length === 1 ? [values[0], values[0]] : values;
  if (hard !== undefined && (soft === undefined || soft > hard)) {
    const shown = soft === undefined ? `soft: -1 (unlimited), hard: ${hard}` : `${soft} > ${hard}`;
    throw wrong(`ulimit soft limit must be less than or equal to hard limit: ${shown}`);
  }
  return { name, soft, hard };
}

/** As buildah: relative host folders too, and the labels of SELinux, which nothing here carries. @throws RUN_VOLUME */
function readVolume(text: string): BindMount {
  const [source = '', target, options, ...rest] = text.split(':');
  const mode = options?.split(',').filter((option) => option !== 'z' && option !== 'Z');
  const host = /^\.{1,2}(?:\/|$)/.test(source) ? resolve(source) : source;
  const fields = [
    host,
    target,
    ...(mode === undefined || mode.length === 0 ? [] : [mode.join(',')]),
    ...rest,
  ];
  return parseVolume(fields.filter((field) => field !== undefined).join(':'));
}
