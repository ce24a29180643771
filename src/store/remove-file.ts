import { unlinkSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';

/** Removes a file; nothing happens if it is not there. Half the cost of rmSync, whose errors carry no code on Node 24. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  }
}
