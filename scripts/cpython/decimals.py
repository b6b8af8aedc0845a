"""Numbers: decimal, fractions, big integers, floats as text."""
from decimal import Decimal, getcontext, localcontext, ROUND_HALF_EVEN, InvalidOperation
from fractions import Fraction
import math

getcontext().prec = 50
print(Decimal(1) / Decimal(7))
print(Decimal(2).sqrt())
print(Decimal("0.1") + Decimal("0.2"), 0.1 + 0.2)
print(Decimal("2.675").quantize(Decimal("0.01"), ROUND_HALF_EVEN), round(2.675, 2))
print(Decimal("1e-400") * Decimal("1e400"), Decimal("NaN"), Decimal("-Infinity"))
try:
    Decimal(0) / Decimal(0)
except InvalidOperation as error:
    print(type(error).__name__)
with localcontext() as context:
    context.prec = 5
    print(Decimal(22) / Decimal(7))


def pi(digits):
    """By Machin's formula, on integers."""
    one = 10 ** (digits + 10)

    def arctan(inverse):
        total = term = one // inverse
        square, n, sign = inverse * inverse, 1, 1
        while term:
            term //= square
            n, sign = n + 2, -sign
            total += sign * (term // n)
        return total

    return 4 * (4 * arctan(5) - arctan(239)) // 10**10


print(pi(200))
print(Fraction(3, 8) + Fraction("0.2"), Fraction(0.5).limit_denominator(3), Fraction(math.pi).limit_denominator(1000))
print(2**200, math.factorial(30), pow(3, 10**6, 10**9 + 7), math.gcd(2**40 - 1, 2**60 - 1))
print(int("z" * 30, 36) % 1000003, hex(-(2**70)), (10**40).bit_length(), math.isqrt(10**60 + 1))
print([x.hex() for x in (0.1, -0.0, 1e-310, math.inf)], float("1e309"), 5e-324, 1.7976931348623157e308)
print(repr(123456789.123456789), f"{math.e:.20f}", f"{12345.678:,.2f}", f"{0.00001234:g}")
print(math.fsum([0.1] * 10), math.sin(1e22), math.exp(-745.2), math.fmod(-7, 3), -7 % 3, divmod(-7, 2))
