import { readFileSync } from 'node:fs';
import { never, systemCode } from '../../base/errors.ts';
import { fsPath } from '../../base/names.ts';
import { serveTasks } from '../../base/worker.ts';
import type { ContextAnswer, ContextTask } from './context-tasks.ts';
import { packScan } from './context-tasks.ts';
import { hashFiles } from './hash-files.ts';
import { scanContext } from './scan-context.ts';
import { parseStatIndex } from './stat-index.ts';

function work(task: ContextTask): ContextAnswer {
  switch (task.kind) {
    case 'scan': {
      const scan = scanContext(task.scan, parseStatIndex(readNote(task.indexPath)));
      if (scan === undefined) throw new Error('an unlimited scan found a limit');
      return { kind: 'scan', packed: packScan(scan) };
    }
    case 'hash':
      return { kind: 'hash', hashed: hashFiles(task.folder, task.files) };
    default:
      return never(task);
  }
}

function readNote(path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(fsPath(path));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

serveTasks(work);
