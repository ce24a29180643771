import { rmdirSync, unlinkSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import { AT_FDCWD, timesAt } from '../linux/at.ts';
import { plannedTime } from './planned-changes.ts';
import type { Scan, ScannedNode } from './scan-changes.ts';

/**
 * Makes the changed directory show on disk what the layer says: what is in no layer goes, and times become those of the layer, so that a
 * snapshot made here and one unpacked from the layer elsewhere are the same. The bytes of files in the layer.
 */
export function settleChanges(scan: Scan, changed: string, epoch: number | undefined): number {
  for (const path of scan.surplus) removeName(`${changed}/${path}`);
  let bytes = 0;
  const visit = (node: ScannedNode): void => {
    for (const child of node.children) visit(child);
    const { path, facts, below } = node;
    const described = node.included && (path !== '' || node.changed);
    const file = path === '' ? changed : `${changed}/${path}`;
    if (described) {
      if (facts.kind === 'file') bytes += facts.size;
      timesAt(AT_FDCWD, file, plannedTime(node, epoch));
    } else if (facts.kind === 'directory' && below !== undefined && !gone.has(path)) {
      timesAt(AT_FDCWD, file, below.seconds, below.nanos);
    }
  };
  const gone = new Set(scan.surplus);
  visit(scan.root);
  return bytes;
}

function removeName(file: string): void {
  const path = fsPath(file);
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    if (systemCode(error) !== 'EISDIR' && systemCode(error) !== 'EPERM') throw error;
    rmdirSync(path);
  }
}
