using System.Runtime.CompilerServices;

namespace Conductor.State;

/// <summary>Numbers in as few bytes as they need: seven bits a byte, the lowest first; the eighth says that more follow.</summary>
internal static class Varint
{
    /// <summary>No number takes more bytes.</summary>
    public const int MaxLength = 10;

    /// <summary>Writes a number.</summary>
    /// <returns>How many bytes it took.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Write(Span<byte> target, ulong number)
    {
        var length = 0;
        while (number >= 0x80)
        {
            target[length++] = (byte)(number | 0x80);
            number >>= 7;
        }

        target[length++] = (byte)number;
        return length;
    }

    /// <summary>Takes a number off what is left to be read.</summary>
    public static ulong Read(ref ReadOnlySpan<byte> rest)
    {
        var number = 0UL;
        for (var (index, shift) = (0, 0); ; index++, shift += 7)
        {
            var part = rest[index];
            number |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                rest = rest[(index + 1)..];
                return number;
            }
        }
    }
}
