import { never } from '../base/errors.ts';
import { isSecretName } from './plan-secret-names.ts';
import { type KeyPart, MAX_FILE_PARTS, type StepKey } from './step-key.ts';

/** Changes of one sort that an explanation names before it counts the rest. */
const MAX_NAMED = 3;

/** Why `now` is not `before`, one sentence each, the step's own changes first; empty if nothing that a key holds differs. */
export function explainMiss(now: StepKey, before: StepKey): string[] {
  const old = byIdentity(before.parts);
  const fresh = byIdentity(now.parts);
  const said: string[] = [];
  const files: string[] = [];
  const [written, writtenBefore] = [fresh.get('instruction\0'), old.get('instruction\0')];
  // Another kind of step has other parts, and none of them says more.
  if (written !== undefined && writtenBefore !== undefined && kindOf(written) !== kindOf(writtenBefore))
    return [change(written, writtenBefore)];
  for (const [id, part] of fresh) {
    const was = old.get(id);
    if (was?.value === part.value) continue;
    if (part.name === 'file') files.push(fileChange(part, was));
    else if (part.name !== 'parent') said.push(change(part, was));
  }
  for (const [id, part] of old) {
    if (fresh.has(id)) continue;
    if (part.name === 'file') files.push(`${fileName(part)} is gone`);
    else if (part.name !== 'parent') said.push(`${label(part)} is gone`);
  }
  said.push(...files.slice(0, MAX_NAMED));
  if (files.length > MAX_NAMED) said.push(`${files.length - MAX_NAMED} more files changed`);
  const parent = fresh.get('parent\0');
  if (parent?.value !== old.get('parent\0')?.value) {
    said.push(
      said.length === 0 ? 'the files of a step above changed' : 'the files of a step above changed too',
    );
  }
  return said;
}

function byIdentity(parts: readonly KeyPart[]): Map<string, KeyPart> {
  return new Map(parts.map((part) => [`${part.name}\0${part.key ?? ''}`, part]));
}

const kindOf = ({ value }: KeyPart): string => value.split(' ', 1)[0] ?? '';

function change(part: KeyPart, was: KeyPart | undefined): string {
  if (was === undefined) return `${label(part)} is new`;
  if (part.key !== undefined && isSecretName(part.key)) return `${label(part)} changed`;
  return `${label(part)} changed: ${was.value} → ${part.value}`;
}

function fileChange(part: KeyPart, was: KeyPart | undefined): string {
  return `${fileName(part)} ${was === undefined ? 'is new' : 'changed'}`;
}

function fileName(part: KeyPart): string {
  return part.key ?? `a file beyond the first ${MAX_FILE_PARTS}`;
}

function label(part: KeyPart): string {
  switch (part.name) {
    case 'arg':
    case 'env':
      return `${part.name.toUpperCase()} ${part.key ?? ''}`;
    case 'instruction':
      return 'the instruction';
    case 'base':
      return 'the base image';
    case 'cwd':
      return 'the working directory';
    case 'mount':
      return `the mount ${part.key ?? ''}`;
    case 'epoch':
      return 'SOURCE_DATE_EPOCH';
    case 'file':
      return fileName(part);
    case 'parent':
      return 'the step above';
    case 'platform':
    case 'user':
    case 'network':
      return `the ${part.name}`;
    default:
      return never(part.name);
  }
}
