import type { SnapshotFormat } from './snapshot-names.ts';

/** What overlayfs writes and reads to tell that a directory hides all below it in lower layers. */
export const OPAQUE_VALUE = Buffer.from('y');

/** Prefix of overlayfs's own attributes in snapshots of this format, undefined where there is no overlay. */
export function markPrefix(format: SnapshotFormat): string | undefined {
  return format === 'whole' ? undefined : `${format}.overlay.`;
}

const PREFIXES = ['trusted.overlay.', 'user.overlay.'];

/** True for attributes that overlayfs keeps for itself. They never enter a layer. */
export function isOverlayMark(name: string): boolean {
  return PREFIXES.some((prefix) => name.startsWith(prefix));
}

/**
 * The name under which a layer's attribute is stored. One that overlayfs would take for its own gets the escaped form, which
 * shows under its real name in the mounted root (oci.md a.6 A21; kernel 6.7 and later).
 */
export function storedXattr(name: string, format: SnapshotFormat): string {
  const prefix = markPrefix(format);
  if (prefix === undefined || !name.startsWith(prefix)) return name;
  return `${prefix}overlay.${name.slice(prefix.length)}`;
}
