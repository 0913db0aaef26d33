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

    private static readonly string _prefix = NewPrefix();
    private static long _counter;

    /// <summary>A new id of 28 characters.</summary>
    public static string New() => string.Create(_prefix.Length + CounterDigits, Interlocked.Increment(ref _counter), static (span, number) =>
    {
        _prefix.CopyTo(span);
        Encode(number, span[_prefix.Length..]);
    });

    private static string NewPrefix()
    {
        Span<char> prefix = stackalloc char[19];
        Encode(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), prefix[..9]);
        Span<byte> random = stackalloc byte[9];
        RandomNumberGenerator.Fill(random);
        for (var i = 0; i < random.Length; i++)
        {
            prefix[9 + i] = Alphabet[random[i] & 31];
        }

        prefix[18] = '-';
        return new string(prefix);
    }

    private static void Encode(long number, Span<char> target)
    {
        for (var i = target.Length - 1; i >= 0; i--)
        {
            target[i] = Alphabet[(int)(number & 31)];
            number >>= 5;
        }
    }
}
