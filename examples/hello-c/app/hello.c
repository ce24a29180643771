#include <stdio.h>

int main(void) {
    printf("Hello from the container!\n");
    return 0;
}
