"""Names that are common in Kenya; the persons and places are invented."""

from random import Random


def _words(text: str) -> list[str]:
    return text.split()


SURNAMES = _words(
    "Achieng Adhiambo Akinyi Atieno Auma Awuor Barasa Chebet Chelimo Cherono Gathoni Githinji Jepkosgei Jeptoo Juma "
    "Kamau Karanja Kariuki Kemboi Kibet Kilonzo Kimani Kiplagat Kiprono Kipkemboi Kirui Koech Korir Langat Macharia "
    "Makokha Mbugua Mueni Mugo Muthoni Mutiso Mutua Mwangi Mwende Nafula Naliaka Ndirangu Nduta Nekesa Ngugi Njeri "
    "Njoroge Nyambura Nyongesa Ochieng Odhiambo Okoth Omondi Ongeri Otieno Ouma Owino Rotich Simiyu Wafula Wambua "
    "Wangari Wanjala Wanjiru Wanyama Wekesa"
)
GIRLS = _words(
    "Agnes Amina Beatrice Brenda Caroline Dorcas Edith Esther Eunice Faith Fatuma Grace Irene Jane Joyce Khadija "
    "Lilian Lucy Mary Mercy Mwanaisha Naomi Purity Rehema Rose Ruth Sarah Sharon Violet Winnie Zawadi"
)
BOYS = _words(
    "Abdi Ali Anthony Brian Charles Collins Daniel David Dennis Elijah Emmanuel Evans Felix George Ibrahim Isaac "
    "James Jeremiah John Joseph Kevin Moses Musa Omar Patrick Paul Peter Samuel Simon Stephen Victor"
)
_STARTS = _words("Chep Ka Ki Ko Lu Ma Mu Mwa Nga Nya O Ru Sa Tha Wa")
_MIDDLES = _words("bo cha ga ki la li ma na ngo ri ro ta te wa yo")
_ENDS = _words("bei go kani kuru lo mani ni ra ri si to wet")


def place(random: Random) -> str:
    return random.choice(_STARTS) + random.choice(_MIDDLES) + random.choice(_ENDS)


def person(random: Random, sex: str) -> str:
    return f"{random.choice(GIRLS if sex == 'female' else BOYS)} {random.choice(SURNAMES)}"


def phone(random: Random) -> str:
    return f"+2547{random.randrange(10**8):08d}"
