#include <stdbool.h>

int roomsync_no_std(bool binary);

/* What std would bring: the compiled core names it, and nothing unwinds here. */
void rust_eh_personality(void) {}

/* A client is let in, by one message each way, in either codec. */
int main(void) { return roomsync_no_std(false) == 2 && roomsync_no_std(true) == 2 ? 0 : 1; }
