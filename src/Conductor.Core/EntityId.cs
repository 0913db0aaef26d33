using System.Security.Cryptography;

namespace Conductor;

/// <summary>
/// Makes the ids of tasks, messages and runs: unique text, ordered by time, cheap. An id is the moment its process started, a random
/// part of the process and a counter, so that ids of one process sort in the order they were made and ids of two processes in the order
/// the processes started. (A fresh <see cref="Guid"/> costs more than handing a task to another thread.)
/// </summary>
/// <remarks>Thread-safe.</remarks>
public static class EntityId
{
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
    private const int CounterDigits = 9;
    private const int BitsPerDigit = 5;
    private const byte NoDigit = byte.MaxValue;

    private static readonly string _prefix = NewPrefix();

    /// <summary>What each character of the alphabet stands for.</summary>
    private static readonly byte[] _values = NewValues();

    private static long _counter;

    /// <summary>A new id of 28 characters.</summary>
    public static string New() => TextOf(NewNumber());

    /// <summary>The number of a new id, for whom its text may never be asked for.</summary>
    internal static long NewNumber() => Interlocked.Increment(ref _counter);

    /// <summary>The text of an id that this process made.</summary>
    /// <param name="number">Its number.</param>
    internal static string TextOf(long number) => string.Create(_prefix.Length + CounterDigits, number, static (span, number) =>
    {
        _prefix.CopyTo(span);
        Encode(number, span[_prefix.Length..]);
    });

    /// <summary>The number of an id, if this process made it; 0 for any other text.</summary>
    /// <param name="id">The text.</param>
    internal static long NumberOf(string? id)
    {
        if (id is null || id.Length != _prefix.Length + CounterDigits || !id.StartsWith(_prefix, StringComparison.Ordinal))
        {
            return 0;
        }

        var number = 0L;
        foreach (var digit in id.AsSpan(_prefix.Length))
        {
            var value = digit < _values.Length ? _values[digit] : NoDigit;
            if (value == NoDigit)
            {
                return 0;
            }

            number = (number << BitsPerDigit) | value;
        }

        return number;
    }

    private static string NewPrefix()
    {
        Span<char> prefix = stackalloc char[19];
        Encode(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), prefix[..9]);
        Span<byte> random = stackalloc byte[9];
        RandomNumberGenerator.Fill(random);
        for (var i = 0; i < random.Length; i++)
        {
            prefix[9 + i] = Alphabet[random[i] & (Alphabet.Length - 1)];
        }

        prefix[18] = '-';
        return new string(prefix);
    }

    private static void Encode(long number, Span<char> target)
    {
        for (var i = target.Length - 1; i >= 0; i--)
        {
            target[i] = Alphabet[(int)(number & (Alphabet.Length - 1))];
            number >>= BitsPerDigit;
        }
    }

    private static byte[] NewValues()
    {
        var values = new byte['z' + 1];
        Array.Fill(values, NoDigit);
        for (byte value = 0; value < Alphabet.Length; value++)
        {
            values[Alphabet[value]] = value;
        }

        return values;
    }
}
