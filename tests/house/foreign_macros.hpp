// Names that big frameworks and C's own headers define as macros: in no header of ours may they stand for anything, or
// a program that includes the other first does not compile. Included behind the headers that ours include, and before
// ours. foreign_macros.sh reads this file too.
#pragma once

// A name that is a macro wherever it stands.
// Qt
#pragma GCC poison signals slots emit foreach forever
// windows.h and what it includes
#pragma GCC poison near far small hyper interface pascal cdecl IN OUT OPTIONAL VOID CONST ERROR NO_ERROR DELETE
#pragma GCC poison ABSOLUTE RELATIVE TRANSPARENT OPAQUE STRICT IGNORE INFINITE THIS Yield GetObject GetMessage
#pragma GCC poison SendMessage CreateFile CreateWindow DeleteFile GetClassName LoadImage DrawText BOOL
// X11
#pragma GCC poison None Bool Status Always Success True False Above Below Complex Convex Nonconvex Unsorted Opposite
#pragma GCC poison Window Font Pixmap Cursor Colormap KeyPress KeyRelease FocusIn FocusOut Expose Screen Display Root
#pragma GCC poison GrayScale AllValues XValue YValue WidthValue HeightValue
// Arduino and AVR
#pragma GCC poison PI HALF_PI TWO_PI EULER DEG_TO_RAD RAD_TO_DEG HIGH LOW INPUT OUTPUT CHANGE RISING FALLING SERIAL
#pragma GCC poison DISPLAY DEFAULT EXTERNAL INTERNAL B1 B00 B01 B10 B11 A0 A1 SS SP
// C and POSIX: complex.h, math.h, termios.h, sys/param.h, errno.h of old, ctype.h of newlib
#pragma GCC poison I complex imaginary DOMAIN OVERFLOW UNDERFLOW PLOSS TLOSS SING B0 B50 B75 NL0 CR0 TAB0 ECHO
#pragma GCC poison MIN MAX ABS CLAMP NBBY _U _L _N _S _P _C _X _B
// Compilers in GNU mode, by platform
#pragma GCC poison linux unix i386 arm mips sun sparc vms
// curses, glib, Objective-C, Python, Perl, PostgreSQL, OpenCV, glog, Unreal
#pragma GCC poison OK ERR YES NO Nil nil TEXT ROUND Max Min Abs LOG CHECK DCHECK VLOG DEBUG INFO WARNING FATAL NOTICE UI

// Ones with arguments: these names stand freely where no parenthesis follows.
// windows.h, Arduino, and many others
#define min(...) @min
#define max(...) @max
// Arduino
#define abs(...) @abs
#define round(...) @round
#define sq(...) @sq
#define bit(...) @bit
#define word(...) @word
#define F(...) @F
#define constrain(...) @constrain
#define radians(...) @radians
#define degrees(...) @degrees
#define interrupts(...) @interrupts
// sys/sysmacros.h, sys/param.h
#define major(...) @major
#define minor(...) @minor
#define makedev(...) @makedev
#define setbit(...) @setbit
#define isset(...) @isset
#define isclr(...) @isclr
#define howmany(...) @howmany
#define roundup(...) @roundup
#define powerof2(...) @powerof2
// the kernel's headers and their imitations
#define likely(...) @likely
#define unlikely(...) @unlikely
#define barrier(...) @barrier
#define container_of(...) @container_of
#define array_size(...) @array_size
// gettext
#define _(...) @_
#define N_(...) @N_
// Unreal, macOS of old
#define check(...) @check
#define verify(...) @verify
#define require(...) @require
#define ensure(...) @ensure
#define assume(...) @assume
