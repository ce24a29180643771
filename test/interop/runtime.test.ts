import { describeExecutor } from './runtime-suite.ts';

/** Docker's 14 (capability.h: bits 0 1 3 4 5 6 7 8 10 13 18 27 29 31). */
const ALL = '00000000a80425fb';
/** Without CAP_MKNOD: crun drops the flag that keeps device files shut. */
const NO_MKNOD = '00000000a00425fb';

describeExecutor('runc', { seccomp: true, capabilities: ALL });
describeExecutor('crun', { seccomp: true, capabilities: NO_MKNOD });
describeExecutor('chroot', { seccomp: false, capabilities: ALL });
