import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { LAYOUT_VERSION, layoutVersion } from '../oci/layout-version.ts';
import { makeFolder, replaceFile } from './atomic-file.ts';
import { storeError } from './errors.ts';
import { formatIndex, NEW_INDEX } from './layout-index.ts';
import type { OnWritePoint } from './write-points.ts';

/** Folders of a layout and of what stands beside it. */
const FOLDERS = ['blobs/sha256', 'tmp', 'partial', 'lock', 'leases', 'roots', 'notes'];

/**
 * Makes the folder an image layout (image-spec 1.1.1, image-layout.md) unless it is one: mode 0700, the marker `oci-layout` last,
 * so that a layout half made is finished by the next writer.
 */
export function ensureLayout(folder: string, at: OnWritePoint): void {
  if (existsSync(join(folder, 'oci-layout')) && existsSync(join(folder, 'lock'))) return;
  checkIsFolder(folder);
  for (const name of FOLDERS) makeFolder(join(folder, name));
  at('layout-folders');
  const index = join(folder, 'index.json');
  if (!existsSync(index)) replaceFile(folder, index, formatIndex(NEW_INDEX), { durable: true });
  at('layout-index');
  const marker = join(folder, 'oci-layout');
  if (!existsSync(marker))
    replaceFile(folder, marker, JSON.stringify({ imageLayoutVersion: LAYOUT_VERSION }), { durable: true });
  at('layout-marked');
}

/** Fails for a path that no folder can be made at: it, or a part of it, is something else. @throws STORE_FORMAT */
export function checkIsFolder(folder: string): void {
  try {
    if (statSync(folder).isDirectory()) return;
  } catch (error) {
    if (systemCode(error) !== 'ENOTDIR') return;
  }
  throw storeError(
    'STORE_FORMAT',
    { path: folder, problem: 'is no folder' },
    { hint: 'name a folder for the store, which need not be there yet' },
  );
}

/** Fails for a layout of another version; a missing marker is fine, it is written last. @throws STORE_FORMAT */
export function checkLayoutVersion(folder: string): void {
  const path = join(folder, 'oci-layout');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return;
    throw error;
  }
  const version = layoutVersion(text);
  if (version === LAYOUT_VERSION) return;
  const said = version === undefined ? 'no layout version' : JSON.stringify(version.slice(0, 40));
  throw storeError('STORE_FORMAT', { path, problem: `says ${said}, want "${LAYOUT_VERSION}"` });
}
