/* Calls compiled CLIF by the system's convention and is called by it. Prints
 * nothing and returns 0 if all agrees; else the number of the first check that
 * fails. */
#include <stdint.h>

#define MIX_PARAMS int8_t a, float b, int64_t c, double d, int32_t e, uint16_t f, int64_t g, double h, int64_t i, \
    int64_t j, double k, double l, double m, double n, double o, double p, double q, int32_t r, double s

double mix(MIX_PARAMS);
double call_mix(int64_t);

double c_mix(MIX_PARAMS) {
    double v[19] = {a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s}, sum = v[0];
    for (int x = 1; x < 19; x++) sum = sum * 2 + v[x];
    return sum;
}

typedef struct { int64_t a, b; } Ints;
typedef struct { double a, b; } Floats;
typedef struct { int64_t a; double b; } Both;
typedef struct { int64_t a, b, c; } Big;
Ints two_ints(int64_t, int64_t);
Floats two_floats(double, double);
Both int_and_float(int64_t, double);
double from_c(int64_t, double);
Both c_pair(int64_t a, double b) { return (Both){a * 3, b * 5}; }
Big big_struct(int64_t);
int64_t c_add(int64_t a, int64_t b) { return a + b; }
int64_t uses_many(int64_t);

int main(void) {
    double mine = c_mix(-5, 1.5f, 1000, -2.25, -7, 65535, 8, 9.5, 10, -11, 12, 13, 14, 15, 16, 17, 18.5, -19, 20);
    if (mix(-5, 1.5f, 1000, -2.25, -7, 65535, 8, 9.5, 10, -11, 12, 13, 14, 15, 16, 17, 18.5, -19, 20) != mine) return 1;
    int64_t x = -3;
    if (call_mix(x) != c_mix(x, x, x, 2 * x, x, x, 2 * x, x, x, 2 * x, 2 * x, x, 2 * x, x, 2 * x, x, 2 * x, x, x)) return 2;
    Ints ints = two_ints(40, 2);
    if (ints.a != 42 || ints.b != 38) return 3;
    Floats floats = two_floats(1.5, 0.25);
    if (floats.a != 1.75 || floats.b != 1.25) return 4;
    Both both = int_and_float(21, 0.5);
    if (both.a != 42 || both.b != 1.0) return 5;
    if (from_c(7, 2.5) != 12.5 - 21) return 6;
    Big big = big_struct(5);
    if (big.a != 5 || big.b != 6 || big.c != 7) return 7;
    int64_t sum = 0;
    for (int64_t i = 0; i < 10; i++) sum += i * uses_many(i);
    int64_t expected = 0;
    for (int64_t i = 0; i < 10; i++) expected += i * (7 * i + 21 + (i + 1) * (i + 6));
    return sum == expected ? 0 : 8;
}
