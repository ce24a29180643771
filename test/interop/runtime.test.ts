import { describeExecutor } from './runtime-suite.ts';

/** Docker's 14 (capability.h: bits 0 1 3 4 5 6 7 8 10 13 18 27 29 31). */
const ALL = '00000000a80425fb';

describeExecutor('runc', { seccomp: true, capabilities: ALL });
describeExecutor('crun', { seccomp: true, capabilities: ALL });
describeExecutor('chroot', { seccomp: false, capabilities: ALL });
