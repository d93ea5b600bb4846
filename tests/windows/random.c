/* What Wine lacks of bcryptprimitives.dll. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T number)
{
    return RtlGenRandom(bytes, (ULONG)number);
}
