/** Bytes of one tar block: headers and padding come in these. */
export const BLOCK_BYTES = 512;

/** Bytes of one pax extended header of an entry: room for sixteen xattrs of the kernel's maximum. */
export const MAX_PAX_BYTES = 1024 * 1024;

/** Bytes of one pax global header, which real ones need some hundred of. */
export const MAX_GLOBAL_BYTES = 64 * 1024;

/** Extended attributes that global headers may give to every entry: each costs memory per entry. */
export const MAX_GLOBAL_XATTRS = 64;

/** Bytes of a name or link target: sixteen times the kernel's PATH_MAX. */
export const MAX_NAME_BYTES = 64 * 1024;

/** Extended attributes of one entry; the kernel lists at most 64 KiB of attribute names. */
export const MAX_XATTRS = 4096;

/** Bytes of the names and values of all extended attributes of one entry. */
export const MAX_XATTR_BYTES = 1024 * 1024;

/** Data pieces of one sparse file; each costs some 50 bytes of memory. */
export const MAX_SPARSE_PIECES = 131_072;

/** Bytes of holes in one archive when read through: what a gzip bomb of 16 MiB could do as well. */
export const MAX_HOLE_BYTES = 16 * 1024 ** 3;

/** Largest user or group id: one above means "leave the owner alone" to chown(2). */
export const MAX_ID = 0xffff_fffe;

/** Largest device number part that any system knows. */
export const MAX_DEVICE = 0xffff_ffff;
