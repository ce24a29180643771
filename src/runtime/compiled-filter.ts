/**
 * A seccomp filter as crun compiled it. That takes crun 9 ms for each container, half of its whole start; what it made once it takes again (crun(1), run.oci.seccomp_bpf_data).
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../base/bytes.ts';
import { fsPath } from '../base/names.ts';
import type { SeccompFilter } from './seccomp.ts';

export interface CompiledFilter {
  /** Digest of the filter's JSON. */
  readonly of: string;
  /** Instructions in Base64. */
  readonly code: string;
}

/** Where crun leaves it while a container runs, below the folder that is its `--root`. */
export const compiledFilterFile = (state: string, id: string): string => join(state, id, 'seccomp.bpf');

/** What the file holds, as of `filter`; undefined where there is none, or nothing that could be one. */
export function readCompiledFilter(filter: SeccompFilter, path: string): CompiledFilter | undefined {
  try {
    const bytes = readFileSync(fsPath(path));
    return isFilter(bytes) ? { of: digestOf(filter), code: bytes.toString('base64') } : undefined;
  } catch {
    return undefined;
  }
}

/** For an annotation; undefined if it is that of another filter. */
export const codeOf = (
  compiled: CompiledFilter | undefined,
  filter: SeccompFilter | undefined,
): string | undefined =>
  filter !== undefined && compiled !== undefined && compiled.of === digestOf(filter)
    ? compiled.code
    : undefined;

/** As it was written down. */
export function parseCompiledFilter(value: unknown): CompiledFilter | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { of, code } = value as Partial<Record<string, unknown>>;
  if (typeof of !== 'string' || typeof code !== 'string') return undefined;
  return isFilter(Buffer.from(code, 'base64')) ? { of, code } : undefined;
}

const digestOf = (filter: SeccompFilter): string => sha256(JSON.stringify(filter));

/** Of `struct sock_filter`, and how many the kernel takes (BPF_MAXINSNS). */
const INSTRUCTION_BYTES = 8;
const MOST_INSTRUCTIONS = 4096;

const isFilter = ({ length }: Uint8Array): boolean =>
  length > 0 && length % INSTRUCTION_BYTES === 0 && length <= MOST_INSTRUCTIONS * INSTRUCTION_BYTES;
