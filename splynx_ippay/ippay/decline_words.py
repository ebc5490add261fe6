"""What a payer reads when the answer is not yes: why, that no money moved, and what to do next.

Owns the sentences (msgids in English). Must never hint that a card is reported lost, stolen or suspect: the person
typing may not be its holder, and an honest holder learns it from the bank.
"""

from __future__ import annotations

from splynx_ippay.base.marks import N_

NOT_ALLOWED = N_("Your bank did not allow this payment. Nothing was charged. Use another card, or call your bank at the "
                 "number on the back of your card.")
CALL_BANK = N_("Your bank wants to hear from you before it allows this payment. Nothing was charged. Call the number on "
               "the back of your card and then try again, or use another card.")
FUNDS = N_("There is not enough money available on this card at the moment. Nothing was charged. Use another card, or "
           "try again when money is available.")
LIMIT = N_("This payment is over a limit your bank has set for this card. Nothing was charged. Use another card, or ask "
           "your bank about the limit.")
TOO_OFTEN = N_("This card has been used too often in a short time. Nothing was charged. Use another card, or try again "
               "tomorrow.")
BUSY = N_("Your bank could not handle this payment at the moment. Nothing was charged. Try again in a few minutes, or "
          "use another card.")
EXPIRED = N_("This card has expired. Nothing was charged. Check the expiry date, or use another card.")
EXPIRY = N_("The expiry date does not fit this card. Nothing was charged. Check the month and the year, then try again.")
NUMBER = N_("The card number is not right. Nothing was charged. Check the number and try again, or use another card.")
CVV = N_("The security code does not fit this card. Nothing was charged. Check the three digits on the back of the card "
         "and try again.")
CVV_AMEX = N_("The security code does not fit this card. Nothing was charged. Check the four digits on the front of the "
              "card and try again.")
ZIP = N_("The ZIP code is not the one your bank has for this card. Nothing was charged. Enter the ZIP code of your "
         "card statement and try again.")
ADDRESS = N_("The address is not the one your bank has for this card. Nothing was charged. Enter the address and ZIP "
             "code of your card statement and try again.")
NEW_CARD = N_("Your bank has issued a new card in place of this one. Nothing was charged. Enter the details of the new "
              "card.")
UNUSABLE = N_("Your bank says that this card cannot be used for this payment. Nothing was charged. Use another card, or "
              "call your bank.")
CARD_TYPE = N_("We cannot take this kind of card. Nothing was charged. Use another card or a bank account.")
PIN = N_("Your bank asks for a PIN with this card, which cannot be entered here. Nothing was charged. Use another card.")
AMOUNT = N_("Your bank does not accept this amount with this card. Nothing was charged. Pay another amount, or use "
            "another card.")
OUR_SIDE = N_("We cannot take payments at the moment because of a problem on our side. Nothing was charged, and there "
              "is nothing wrong with your card or account. Please try again later.")
ASKING = N_("We have no clear answer yet and are asking the bank what became of this payment. Do not pay again; this "
            "page will show the result.")
TOO_LATE = N_("This payment can no longer be changed in this way. Please contact us.")
ROUTING = N_("The routing number is not right. Nothing was taken from your account. Check the nine digits at the lower "
             "left of a check and try again.")
ACCOUNT = N_("The account number is not right. Nothing was taken from your account. Check the number and try again.")
BANK_NO = N_("Your bank did not allow this debit. Nothing was taken from your account. Use another bank account or a "
             "card, or call your bank.")
BANK_LATER = N_("This debit could not be handled at the moment. Nothing was taken from your account. Try again later, "
                "or use a card.")
