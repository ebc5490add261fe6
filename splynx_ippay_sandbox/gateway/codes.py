"""Tables of the wire: cents that decline on the test gateway, and the action codes they may pick."""

from __future__ import annotations

INVALID_TYPE = "The transaction type is not a valid transaction type."
VOIDACH_GONE = "VOIDACH transactions are no longer supported. Please contact support@ippay.com"

# Cents that approve [AGR 2019]; the others decline, so do not "any penny value not on the list" [MAN].
_APPROVING = {0, *range(8, 12), *range(16, 19), 20, *range(22, 28), *range(45, 51), 56, 60, 64, *range(66, 75), 79,
              *range(86, 90), 95, *range(97, 100)}  # fmt: skip
DECLINING_CENTS = frozenset(range(100)) - _APPROVING
_KNOWN = frozenset(
    f"{code:03d}"
    for code in (*range(1, 8), 12, 13, 14, 15, 19, 21, 28, 30, 39, 41, 43, *range(51, 56), 57, 58, 59, 61, 62, 63, 65,
                 75, 76, 77, 78, 80, 81, 82, 84, 85, 90, 91, 92, 93, 94, 96)
)
_AMEX = {"001": "100", "004": "200"}


def penny_code(amount_cents: int, brand: str) -> str:
    """The action code that the cents of an amount pick on the test gateway."""
    cents = amount_cents % 100
    if cents not in DECLINING_CENTS:
        return "000"
    code = f"{cents:03d}"
    code = code if code in _KNOWN else "005"
    return _AMEX.get(code, code) if brand == "amex" else code


def brand_of(number: str) -> str:
    """visa, mastercard, amex, discover or other, by the first digits."""
    if number.startswith(("34", "37")):
        return "amex"
    if number.startswith("4"):
        return "visa"
    if "51" <= number[:2] <= "55" or "2221" <= number[:4] <= "2720":
        return "mastercard"
    return "discover" if number.startswith(("6011", "65", "644", "645", "646", "647", "648", "649")) else "other"


def passes_luhn(number: str) -> bool:
    """The check digit of a card number."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0


def passes_aba(routing: str) -> bool:
    """The check digit of a US routing number: weights 3, 7, 1."""
    return sum(int(digit) * weight for digit, weight in zip(routing, (3, 7, 1) * 3, strict=True)) % 10 == 0


def address_check(postal_code: str, address: str) -> dict[str, str]:
    """AVS, AddressMatch and ZipMatch (protocol section 9); ZIP 99999 never matches, nothing sent means no answer."""
    if not postal_code and not address:
        return {}
    if postal_code == "99999":
        return {"AddressMatch": "N", "ZipMatch": "N", "AVS": "N"}
    if not address:
        return {"AddressMatch": "N", "ZipMatch": "Y", "AVS": "Z"}
    if not postal_code:
        return {"AddressMatch": "Y", "ZipMatch": "N", "AVS": "A"}
    return {"AddressMatch": "Y", "ZipMatch": "Y", "AVS": "Y"}


def cvv2_check(cvv2: str) -> dict[str, str]:
    """The CVV2 letter: 465 is S and everything else P on the test gateway; N for 999 is this sandbox's."""
    return {"CVV2": {"465": "S", "999": "N"}.get(cvv2, "P")} if cvv2 else {}
