import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeContract } from './contract-suite.ts';
import { createDirectoryStore } from './directory-store.ts';

storeContract('a directory store', () => {
  const parent = mkdtempSync(join(tmpdir(), 'dobos-store-'));
  const folder = join(parent, 'store');
  return {
    store: createDirectoryStore(folder),
    again: () => createDirectoryStore(folder),
    dispose: () => rmSync(parent, { recursive: true }),
  };
});
