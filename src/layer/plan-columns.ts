import type { PlannedEntry } from './types.ts';

/** A plan as it crosses to a thread: cloning an object per entry takes as long as packing a small file. */
export interface PlanColumns {
  readonly count: number;
  /** Per entry but the odd ones its path, and where its bytes are or its link leads; none of them holds a NUL. */
  readonly texts: string;
  /** Per entry what it is (`CODES`), mode, uid, gid, mtime, size, offset. */
  readonly numbers: Float64Array;
  /** Entries that have more to say, as they are. */
  readonly odd: readonly PlannedEntry[];
}

const NUMBERS = 7;
const CODES = { odd: 0, directory: 1, disk: 2, region: 3, symlink: 4 } as const;

/** The plan as columns. */
export function packPlan(plan: readonly PlannedEntry[]): PlanColumns {
  const numbers = new Float64Array(plan.length * NUMBERS);
  const texts: string[] = [];
  const odd: PlannedEntry[] = [];
  let at = 0;
  for (const entry of plan) {
    const { path, content } = entry;
    const code = codeOf(entry);
    const file = content === undefined || content.kind === 'bytes' ? undefined : content;
    const other = file?.path ?? entry.linkTo ?? '';
    if (code === CODES.odd || path.includes('\0') || other.includes('\0')) odd.push(entry);
    else {
      texts.push(path, other);
      numbers[at] = code;
      numbers[at + 1] = entry.mode;
      numbers[at + 2] = entry.uid;
      numbers[at + 3] = entry.gid;
      numbers[at + 4] = entry.mtime;
      numbers[at + 5] = file?.size ?? 0;
      numbers[at + 6] = file?.kind === 'region' ? file.offset : 0;
    }
    at += NUMBERS;
  }
  return { count: plan.length, texts: texts.join('\0'), numbers, odd };
}

function codeOf({ kind, content, linkTo, xattrs, device, nanos, linkBelow }: PlannedEntry): number {
  if (xattrs !== undefined || device !== undefined || linkBelow !== undefined) return CODES.odd;
  if (nanos !== undefined && nanos !== 0) return CODES.odd;
  if (kind === 'directory' && content === undefined && linkTo === undefined) return CODES.directory;
  if (kind === 'symlink' && content === undefined && linkTo !== undefined) return CODES.symlink;
  if (kind !== 'file' || linkTo !== undefined || content === undefined) return CODES.odd;
  return content.kind === 'bytes' ? CODES.odd : CODES[content.kind];
}

/** The entries of the plan that `packPlan` packed, one after the other. */
export function* unpackPlan({ count, texts, numbers, odd }: PlanColumns): Generator<PlannedEntry> {
  const words = texts.split('\0');
  let word = 0;
  let nextOdd = 0;
  for (let entry = 0; entry < count; entry++) {
    const at = entry * NUMBERS;
    const code = numbers[at]!;
    if (code === CODES.odd) {
      yield odd[nextOdd++]!;
      continue;
    }
    const path = words[word]!;
    const other = words[word + 1]!;
    word += 2;
    const mode = numbers[at + 1]!;
    const uid = numbers[at + 2]!;
    const gid = numbers[at + 3]!;
    const mtime = numbers[at + 4]!;
    const size = numbers[at + 5]!;
    if (code === CODES.directory) yield { path, kind: 'directory', mode, uid, gid, mtime };
    else if (code === CODES.symlink) yield { path, kind: 'symlink', mode, uid, gid, mtime, linkTo: other };
    else {
      const content =
        code === CODES.disk
          ? ({ kind: 'disk', path: other, size } as const)
          : ({ kind: 'region', path: other, offset: numbers[at + 6]!, size } as const);
      yield { path, kind: 'file', mode, uid, gid, mtime, content };
    }
  }
}
