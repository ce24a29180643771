import { bindCall, checked } from './libc.ts';

/** Numbers of the resources of setrlimit(2), the same on every architecture that Node runs on. */
const RESOURCES = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
} as const;

export type ResourceName = keyof typeof RESOURCES;

/** The resource of that name, if it is one that a process may be limited in. */
export const resourceName = (text: string): ResourceName | undefined =>
  Object.hasOwn(RESOURCES, text) ? (text as ResourceName) : undefined;

const UNLIMITED = 2n ** 64n - 1n;
const THIS_PROCESS = 0;
const prlimitCall = bindCall<number, [number, number, Buffer, null]>(
  'int prlimit(int pid, int resource, const void *limit, void *old)',
);

/** Limits this process and those it starts; undefined is unlimited. @throws LINUX_CALL (EPERM beyond the hard limit that it has, without the right) */
export function limitResource({
  name,
  soft,
  hard,
}: {
  readonly name: ResourceName;
  readonly soft?: number | undefined;
  readonly hard?: number | undefined;
}): void {
  const limit = Buffer.alloc(16);
  for (const [at, value] of [soft, hard].entries())
    limit.writeBigUInt64LE(value === undefined ? UNLIMITED : BigInt(value), at * 8);
  checked(prlimitCall(THIS_PROCESS, RESOURCES[name], limit, null), 'setrlimit', name);
}
