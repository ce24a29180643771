import type { ImagePackages, LayerPackage } from '../explore/packages/read-packages.ts';
import type { Exploration } from '../explore/types.ts';
import { safeText } from './build-view/safe-text.ts';
import type { Paint } from './colour.ts';
import { madeBy, shorten } from './explore-report.ts';
import { formatSize } from './units.ts';

/** Packages listed of a layer; JSON has all. */
const PACKAGES_SHOWN = 10;

const MARKS = { added: '+', removed: '-', changed: '~', same: ' ' } as const;

/** Which packages each layer adds, changes and removes, and stores files of; top of the image on top. */
export function packagesReport(
  report: Exploration,
  packages: ImagePackages,
  paint: Paint,
  columns: number,
): string {
  const counts = new Map<string, number>();
  for (const { manager, present } of packages.packages)
    if (present) counts.set(manager, (counts.get(manager) ?? 0) + 1);
  const told = [...counts].map(([manager, count]) => `${count} of ${manager}`).join(', ');
  const lines = ['', paint('quiet', `packages: ${told || 'none that are known'}`)];
  for (const path of packages.unread) lines.push(`not read: /${safeText(path)}`);
  for (const layer of [...report.layers].reverse()) {
    const { packages: rows, otherBytes } = packages.layers[layer.number]!;
    if (rows.length === 0) continue;
    const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
    const head = `${String(layer.number).padStart(5)}  ${formatSize(bytes).padStart(9)}  in packages, ${formatSize(otherBytes)} beside them  `;
    lines.push(
      `${head}${paint('quiet', shorten(madeBy(layer, report), Math.max(8, columns - 1 - head.length)))}`,
    );
    for (const row of rows.slice(0, PACKAGES_SHOWN)) lines.push(packageLine(row, packages, paint, columns));
    const rest = rows.length - PACKAGES_SHOWN;
    if (rest > 0) lines.push(paint('quiet', `${''.padStart(18)}… and ${rest} more: --json - lists them all`));
  }
  return `${lines.join('\n')}\n`;
}

function packageLine(row: LayerPackage, { packages }: ImagePackages, paint: Paint, columns: number): string {
  const { name, manager, place } = packages[row.package]!;
  const versions =
    row.before === undefined ? (row.version ?? '') : `${row.before} → ${row.version ?? 'removed'}`;
  const where = manager === 'npm' && place !== undefined ? `  /${place}` : '';
  const text = shorten(`${name} ${versions}${where}`, Math.max(8, columns - 1 - 20));
  const mark = MARKS[row.change];
  const shown = row.change === 'same' ? mark : paint(row.change, mark);
  return `${formatSize(row.bytes).padStart(16)}  ${shown} ${text}`;
}
